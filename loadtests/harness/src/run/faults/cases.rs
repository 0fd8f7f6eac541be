//! The cases of each fault: the arms that it can hit, and where.

use analysis::model::{Arm, Fault, FaultCase};

/// The services that are killed, each in a case of its own.
const SERVICES: [&str; 5] = [
    "payment-service",
    "order-service",
    "inventory-service",
    "shipping-service",
    "gateway",
];

/// The cases of a fault for these arms. A fault that an arm cannot have gives none.
pub fn cases(fault: Fault, arms: &[Arm]) -> Vec<FaultCase> {
    let case = |arm, replicas, part: &str| FaultCase {
        fault,
        arm,
        replicas,
        part: part.to_owned(),
    };
    let of_arm = |arm: &Arm| match (fault, *arm) {
        (Fault::Kill, Arm::Monolith) => vec![
            case(Arm::Monolith, 1, "monolith"),
            case(Arm::Monolith, 2, "monolith"),
        ],
        (Fault::Kill, arm) => SERVICES.map(|service| case(arm, 1, service)).into(),
        (Fault::Freeze, Arm::Monolith) => vec![case(Arm::Monolith, 2, "monolith")],
        (Fault::Freeze, arm) => vec![case(arm, 1, "payment-service")],
        (Fault::RollingRestart, Arm::Monolith) => vec![case(Arm::Monolith, 2, "all processes")],
        // Its gateway knows all three; two of them are stopped at first.
        (Fault::SlowConsumer, Arm::Monolith) => vec![case(Arm::Monolith, 3, "monolith")],
        (Fault::SlowConsumer, arm) => vec![case(arm, 1, "payment-service")],
        (Fault::Poison, Arm::Monolith) => vec![case(Arm::Monolith, 1, "requests")],
        (Fault::Poison, arm) => vec![case(arm, 1, "messages")],
        (Fault::Overload, arm) => vec![case(arm, 1, "all processes")],
        (Fault::Pause, Arm::Monolith) => vec![case(Arm::Monolith, 1, "Postgres")],
        (Fault::Pause, arm) => vec![case(arm, 1, "SQS")],
        // The monolith has no queue, and no event between two versions of itself.
        (
            Fault::QueueServerKilled | Fault::SqsMisbehaves | Fault::QueuesLost | Fault::NewVersion,
            Arm::Monolith,
        ) => vec![],
        (Fault::NewVersion, arm) => vec![case(arm, 1, "payment-service")],
        (Fault::QueueServerKilled | Fault::SqsMisbehaves | Fault::QueuesLost, arm) => {
            vec![case(arm, 1, "SQS")]
        }
        (Fault::ProviderHangs | Fault::ProviderFails, arm) => vec![case(arm, 1, "provider")],
        (Fault::PostgresCrash, arm) => vec![case(arm, 1, "Postgres")],
        (Fault::KillAll | Fault::RollingRestart | Fault::RandomKills, arm) => {
            vec![case(arm, 1, "all processes")]
        }
    };
    arms.iter().flat_map(of_arm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_hits_the_services_and_every_one_that_can_hits_the_monolith() {
        for fault in Fault::ALL {
            assert!(!cases(fault, &[Arm::Services]).is_empty(), "{fault}");
            let of_queues = [
                Fault::QueueServerKilled,
                Fault::SqsMisbehaves,
                Fault::QueuesLost,
                Fault::NewVersion,
            ];
            let of_queues = of_queues.contains(&fault);
            assert_eq!(cases(fault, &[Arm::Monolith]).is_empty(), of_queues);
        }
    }
}
