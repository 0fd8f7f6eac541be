//! The eight questions, each with its experiment.

use std::time::Duration;

use analysis::model::Arm;
use serde_json::json;

use crate::operator::{Action, Command};
use crate::text::Text;

pub(super) struct Question {
    pub(super) id: &'static str,
    text: (&'static str, &'static str),
    /// What is done to an arm.
    pub(super) faults: fn(Arm) -> Vec<Command>,
    /// How long it lasts.
    pub(super) length: Duration,
    pub(super) measure: Measure,
    explanation: (&'static str, &'static str),
}

/// What is measured at each side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Measure {
    /// Orders that were answered with an error, or not at all.
    Refused,
    /// The time from the end of the fault until every accepted order is settled.
    Drain,
    /// The median time to an answer while the fault lasts.
    Answer,
    /// Orders whose payment is wrong, by the audit.
    PaidTwice,
}

pub(super) const QUESTIONS: [Question; 8] = [
    Question {
        id: "payment_killed",
        text: (
            "Payment is killed for 5 s at 20 orders/s. In the monolith, that is the only process. \
             How many orders are refused?",
            "決済を 5 秒間停止します (毎秒 20 件)。モノリスではプロセス全体です。\
             何件の注文が拒否されますか?",
        ),
        faults: kill_payment,
        length: Duration::from_secs(5),
        measure: Measure::Refused,
        explanation: (
            "The order service accepts orders without payment: they wait in the queue. The \
             monolith has one process, and without it nothing answers.",
            "注文サービスは決済なしで受け付け、メッセージはキューで待ちます。\
             モノリスは 1 プロセスなので、応答がありません。",
        ),
    },
    Question {
        id: "backlog_drains",
        text: (
            "Payment is killed for 8 s at 20 orders/s and restarted. How many seconds after the \
             restart begins is every accepted order settled?",
            "決済を 8 秒間停止して再起動します (毎秒 20 件)。\
             再起動の開始から全注文の確定まで何秒かかりますか?",
        ),
        faults: kill_payment,
        length: Duration::from_secs(8),
        measure: Measure::Drain,
        explanation: (
            "160 orders wait in the payment queue, and the service takes them in batches. A \
             message that the killed process had received comes back 60 s after its receipt. The \
             monolith has accepted no order meanwhile, so none waits.",
            "決済キューに約 160 件が待ち、サービスはまとめて処理します。停止したプロセスが\
             受信していたメッセージは、受信の 60 秒後にキューへ戻ります。\
             モノリスはその間に受け付けていないので、待つ注文はありません。",
        ),
    },
    Question {
        id: "provider_hangs",
        text: (
            "The payment provider gives no answer for 10 s at 20 orders/s. How many orders are \
             refused?",
            "決済プロバイダーが 10 秒間応答しません (毎秒 20 件)。何件が拒否されますか?",
        ),
        faults: |_| vec![Command::Provider(json!({ "hang_rate": 1.0 }))],
        length: Duration::from_secs(10),
        measure: Measure::Refused,
        explanation: (
            "The monolith asks the provider while the customer waits, and gives up after 7 s. The \
             payment service asks later, and tries again.",
            "モノリスは顧客を待たせて問い合わせ、7 秒であきらめます。\
             決済サービスは後から問い合わせ、再試行します。",
        ),
    },
    Question {
        id: "provider_slow",
        text: (
            "The payment provider takes 500 ms. How many seconds does a customer wait for the \
             answer, in the median?",
            "決済プロバイダーの応答が 500 ms になります。応答時間の中央値は何秒ですか?",
        ),
        faults: |_| vec![Command::Provider(json!({ "latency_ms": 500 }))],
        length: Duration::from_secs(8),
        measure: Measure::Answer,
        explanation: (
            "The customer of the monolith waits for the provider. The order service answers before \
             the payment is decided.",
            "モノリスの顧客はプロバイダーを待ちます。注文サービスは決済の前に応答します。",
        ),
    },
    Question {
        id: "sqs_paused",
        text: (
            "SQS answers no call for 8 s at 20 orders/s. How many orders are refused?",
            "SQS が 8 秒間応答しません (毎秒 20 件)。何件が拒否されますか?",
        ),
        faults: |arm| match arm.uses_sqs() {
            true => vec![Command::Queues(json!({ "paused": true }))],
            false => vec![],
        },
        length: Duration::from_secs(8),
        measure: Measure::Refused,
        explanation: (
            "An order is committed together with its message in the outbox. The relay sends it \
             when SQS is back. The monolith has no queue.",
            "注文はアウトボックスのメッセージと一緒に確定し、SQS の復旧後に送られます。\
             モノリスにはキューがありません。",
        ),
    },
    Question {
        id: "duplicates",
        text: (
            "SQS delivers every second message twice and out of order for 8 s. How many orders \
             have a wrong payment afterwards?",
            "SQS が半数のメッセージを 2 回、順不同で届けます (8 秒間)。\
             誤った決済になる注文は何件ですか?",
        ),
        faults: |arm| match arm.uses_sqs() {
            true => vec![Command::Queues(
                json!({ "duplicates": 0.5, "reorder": 0.5 }),
            )],
            false => vec![],
        },
        length: Duration::from_secs(8),
        measure: Measure::PaidTwice,
        explanation: (
            "The inbox remembers each message in the transaction of its effect, and the provider \
             knows the order's id.",
            "インボックスが処理と同じトランザクションでメッセージを記録し、\
             プロバイダーは注文 ID を知っています。",
        ),
    },
    Question {
        id: "postgres_crashes",
        text: (
            "Postgres loses a backend, ends all connections and recovers, at 20 orders/s. How many \
             orders are refused?",
            "Postgres がクラッシュし、全接続を切って回復します (毎秒 20 件)。\
             何件が拒否されますか?",
        ),
        faults: |_| vec![act("postgres", Action::Kill)],
        length: Duration::from_secs(5),
        measure: Measure::Refused,
        explanation: (
            "Both accept orders with a transaction in Postgres, so both refuse until it has \
             recovered, and connect again by themselves.",
            "どちらも受付に Postgres のトランザクションが必要なので、回復まで拒否し、\
             その後自動で再接続します。",
        ),
    },
    Question {
        id: "deploy",
        text: (
            "A new version is deployed: payment, or the whole monolith, stops gracefully and \
             starts again, at 20 orders/s. How many orders are refused?",
            "新しい版を配備します。決済 (モノリスは全体) を正常に停止して起動します (毎秒 20 件)。\
             何件が拒否されますか?",
        ),
        faults: |arm| vec![act(payment_of(arm), Action::Restart)],
        length: Duration::from_secs(5),
        measure: Measure::Refused,
        explanation: (
            "A graceful stop finishes what has begun. Orders that come between stop and start find \
             one process missing: in the monolith, the one that accepts them.",
            "正常な停止は処理中のものを終えます。停止と起動の間の注文は、\
             モノリスでは受け付けるプロセスがありません。",
        ),
    },
];

fn kill_payment(arm: Arm) -> Vec<Command> {
    vec![act(payment_of(arm), Action::Kill)]
}

/// The process that decides payments.
fn payment_of(arm: Arm) -> &'static str {
    match arm {
        Arm::Monolith => "monolith",
        Arm::Events | Arm::OneProcess => "all-in-one",
        Arm::Services => "payment-service",
    }
}

fn act(part: &str, action: Action) -> Command {
    Command::Act {
        part: part.to_owned(),
        action,
    }
}

impl Measure {
    pub(super) fn unit(self) -> &'static str {
        match self {
            Measure::Refused | Measure::PaidTwice => "orders",
            Measure::Drain | Measure::Answer => "s",
        }
    }
}

impl Question {
    pub(super) fn text(&self) -> Text {
        Text::new(self.text.0, self.text.1)
    }

    pub(super) fn explanation(&self) -> Text {
        Text::new(self.explanation.0, self.explanation.1)
    }
}

#[cfg(test)]
mod tests {
    use contracts::topology::{PAYMENT, Settings, queues};

    use super::*;

    #[test]
    fn the_answer_names_when_messages_of_a_killed_process_come_back() {
        let queues = queues(Settings::default());
        let payment = queues.iter().find(|queue| queue.name == PAYMENT).unwrap();
        let seconds = payment.visibility_timeout.as_secs();
        let drains = QUESTIONS.iter().find(|one| one.id == "backlog_drains");
        let (english, japanese) = drains.unwrap().explanation;
        assert!(english.contains(&format!("{seconds} s after its receipt")));
        assert!(japanese.contains(&format!("受信の {seconds} 秒後")));
    }
}
