"use strict";
// Every text of the page in English and Japanese. `{0}` is the first value that is put in.
const Live = {};
(() => {
  const WORDS = {
    page_title: ["Twofold: one shop, built twice", "Twofold：同じショップを 2 通りに"],
    skip: ["Skip to the panels", "パネルへ移動"],
    load: ["Load", "負荷"],
    orders_per_second: ["{0} orders/s", "{0} 件/秒"],
    both_sides: ["both sides", "両方"],
    sides: ["Sides", "対象"],
    side_A0: ["monolith", "モノリス"],
    side_A3: ["services", "サービス"],
    title_A0: [
      "The monolith: one process, one transaction",
      "モノリス：1 プロセス、1 トランザクション",
    ],
    title_A3: [
      "The services: five databases, six queues",
      "サービス：5 つのデータベースと 6 つのキュー",
    ],
    scenario: ["Scenario", "シナリオ"],
    scenario_checkout: ["checkout", "通常の注文"],
    scenario_hot_product: ["hot product", "人気商品に集中"],
    scenario_refusals: ["refusals", "決済拒否・在庫切れ"],
    scenario_cancellations: ["cancellations", "キャンセル"],
    stop: ["Stop", "停止"],
    place_order: ["Place one order", "1 件注文する"],
    heal: ["Heal everything", "すべて復旧"],
    display: ["Display", "表示"],
    dark: ["Dark", "ダーク"],
    large: ["Large type", "大きな文字"],
    close: ["Close", "閉じる"],
    panels: ["Panels", "パネル"],

    connection_live: ["live", "接続中"],
    connection_lost: ["connection lost", "切断"],
    connection_refused: ["no access", "アクセス不可"],
    banner_lost: [
      "The connection to the server is lost. The page connects again by itself and fills the gap.",
      "サーバーとの接続が切れました。自動で再接続し、抜けた分を補います。",
    ],
    banner_refused: [
      "No access: open the address that `cargo compare up` printed as its last line.",
      "トークンが無効です。`cargo compare up` が最後に表示したアドレスを開いてください。",
    ],
    second_tab: [
      "This page is open in another tab, too. Both tabs control the same two shops.",
      "このページは別のタブでも開いています。どちらのタブも同じ 2 つのショップを操作します。",
    ],
    no_answer: [
      "no answer from the server: is `cargo compare up` still running?",
      "サーバーが応答しません。`cargo compare up` は動いていますか？",
    ],
    gap: [
      "events are missing: the connection was lost for more than ten minutes",
      "イベントが欠落：10 分を超えて切断されていました",
    ],
    events_missing: ["{0} events are missing here", "ここで {0} 件のイベントが欠落"],

    guide_open: ["First steps", "はじめの手順"],
    guide_load: ["Start 20 orders/s", "毎秒 20 件の注文を開始"],
    guide_kill: ["Kill the payment service", "決済サービスを強制終了"],
    guide_watch: ["Watch the backlog grow", "バックログが増えるのを見る"],
    guide_restart: ["Restart it, see the backlog drain", "再起動し、バックログが減るのを見る"],
    guide_audit: ["Stop the load and run the audit", "負荷を止めて監査を実行"],
    guide_waiting: ["{0} orders wait", "{0} 件が未確定"],
    guide_end: [
      "No order was lost. Next: break something else with the ⋯ on any part.",
      "注文は 1 件も失われていません。次は、各部の ⋯ から別の障害を起こしてみましょう。",
    ],

    guide_red: [
      "The audit is red: choose an order that it names to see its journey.",
      "監査がレッドです。表示された注文を選ぶと、その流れを確認できます。",
    ],

    customer: ["customer", "顧客"],
    no_queue: [
      "no queue: one transaction decides the order",
      "キューなし：1 つのトランザクションで注文が決まる",
    ],
    title_provider: ["payment provider", "決済プロバイダー"],
    title_postgres: ["PostgreSQL", "PostgreSQL"],
    title_queue_server: ["SQS", "SQS"],
    state_up: ["up", "稼働中"],
    state_down: ["down", "停止"],
    state_paused: ["paused", "一時停止"],
    state_starting: ["starting", "起動中"],
    connections: ["{0} conn.", "接続 {0}"],
    outbox: ["outbox {0}", "アウトボックス {0}"],
    in_flight: ["in flight {0}", "処理中 {0}"],
    delayed: ["delayed {0}", "遅延 {0}"],
    oldest: ["oldest {0}", "最古 {0}"],
    dead: ["dead letters {0}", "デッドレター {0}"],
    one_dot: ["1 dot = {0} messages", "点 1 つ = メッセージ {0} 件"],
    one_dot_1: ["1 dot = 1 message", "点 1 つ = メッセージ 1 件"],
    calls_estimated: [
      "calls to databases and the provider: estimated from traced orders",
      "データベースと決済プロバイダーへの呼び出し：追跡した注文からの推定",
    ],
    counts_shown: ["messages per second on the arrows", "矢印の数字は毎秒のメッセージ数"],
    per_second: ["{0}/s", "{0}/秒"],

    accepted_rate: ["accepted/s", "受付/秒"],
    refused_rate: ["refused/s", "拒否/秒"],
    answered_p99: ["answered p99", "応答 p99"],
    settled_p99: ["settled p99", "確定 p99"],
    backlog: ["backlog", "バックログ"],

    actions_of: ["Actions: {0}", "操作：{0}"],
    kill: ["Kill (SIGKILL)", "強制終了 (SIGKILL)"],
    kill_one: ["Kill {0}", "{0} を強制終了"],
    restart: ["Restart", "再起動"],
    pause: ["Pause", "一時停止"],
    continue: ["Continue", "再開"],
    scale: ["Number of processes", "プロセス数"],
    replicas: ["{0}", "{0}"],
    faults: ["Faults", "障害"],
    provider_healthy: ["Healthy", "正常"],
    provider_slow: ["Slow: 2 s per call", "遅い：1 回 2 秒"],
    provider_fails: ["Half of the calls fail", "半数の呼び出しが失敗"],
    provider_hangs: ["Hangs: no call is answered", "無応答"],
    sqs_latency_ms: ["Slow: 100 ms, p99 500 ms", "遅い：100 ms、p99 500 ms"],
    sqs_duplicates: ["30 % duplicates", "30 % を重複配信"],
    sqs_reorder: ["30 % out of order", "30 % を順不同で配信"],
    sqs_errors: ["20 % of the calls fail", "20 % の呼び出しが失敗"],
    sqs_throttle: ["30 % throttled", "30 % をスロットリング"],
    sqs_paused: ["Paused", "一時停止"],
    fault_part_down: ["killed", "強制終了"],
    fault_part_paused: ["paused", "一時停止"],
    fault_provider_latency_ms: ["slow", "遅い"],
    fault_provider_error_rate: ["calls fail", "呼び出しが失敗"],
    fault_provider_hang_rate: ["hangs", "無応答"],
    fault_sqs_latency: ["slow", "遅い"],
    fault_sqs_duplicates: ["duplicates", "重複配信"],
    fault_sqs_reorder: ["out of order", "順不同"],
    fault_sqs_errors: ["calls fail", "呼び出しが失敗"],
    fault_sqs_throttle_entries: ["throttled", "スロットリング"],
    fault_sqs_paused: ["paused", "一時停止"],

    tab_charts: ["Over time", "時系列"],
    tab_journey: ["One order", "注文の流れ"],
    tab_messages: ["Messages", "メッセージ"],
    tab_audit: ["Audit", "監査"],
    tab_predict: ["Predict", "予想"],
    tab_log: ["What happened", "できごと"],

    window: ["Shown", "表示範囲"],
    minutes_1: ["1 minute", "1 分"],
    minutes_3: ["3 minutes", "3 分"],
    minutes_10: ["10 minutes", "10 分"],
    save: ["Save the last ten minutes", "直近 10 分を保存"],
    saved_title: ["Twofold: the last ten minutes", "Twofold：直近 10 分"],
    figures_of: ["All figures: {0}", "全数値：{0}"],
    time: ["time", "時刻"],
    now: ["now", "現在"],
    chart_note: [
      "Both sides have the same axes. p99: the highest of the second's four quarters.",
      "両方とも同じ目盛りです。p99 は 1 秒を 4 分割した中の最大値です。",
    ],
    measure_orders: ["Orders per second", "注文数（件/秒）"],
    measure_latency: ["Latency", "レイテンシ"],
    measure_backlog: ["Backlog: accepted and not settled", "バックログ：受付済みで未確定"],
    series_offered: ["offered", "投入"],
    series_accepted: ["accepted", "受付"],
    series_refused: ["refused", "拒否"],
    series_settled: ["settled", "確定"],
    series_backlog: ["backlog", "バックログ"],
    series_answered_p50: ["answered p50", "応答 p50"],
    series_answered_p99: ["answered p99", "応答 p99"],
    series_settling_p50: ["settled p50", "確定 p50"],
    series_settling_p99: ["settled p99", "確定 p99"],

    product: ["Product", "商品"],
    quantity: ["Quantity", "数量"],
    payment: ["Payment", "支払い"],
    recent_orders: ["Recent orders", "最近の注文"],
    by_hand: ["by hand", "手動"],
    status_placed: ["placed", "受付済み"],
    status_confirmed: ["confirmed", "確定"],
    status_cancelled: ["cancelled", "キャンセル"],
    true_scale: ["true time scale", "実時間の縮尺"],
    cancel_order: ["Cancel this order", "この注文をキャンセル"],
    journey_empty: [
      "Place an order, or choose a recent one.",
      "注文するか、最近の注文を選んでください。",
    ],
    answered_after: ["answered after {0}", "{0} で応答"],
    settled_after: ["settled after {0}", "{0} で確定"],
    not_settled: ["not settled yet", "未確定"],
    attempt: ["attempt {0}", "{0} 回目の試行"],
    duplicate: ["duplicate", "重複"],
    dead_letter: ["dead letter", "デッドレター"],
    not_received: ["not received yet", "未受信"],
    as_list: ["As a list ({0} messages)", "一覧で見る（メッセージ {0} 件）"],
    history: ["Facts of the order", "注文の事実（ドメインイベント）"],

    queues: ["Queues", "キュー"],
    state: ["State", "状態"],
    message: ["message", "メッセージ"],
    message_all: ["all", "すべて"],
    message_waiting: ["waiting", "待機中"],
    message_in_flight: ["in flight", "処理中（可視性タイムアウト内）"],
    message_delayed: ["delayed", "遅延中"],
    message_dead: ["dead letter", "デッドレター"],
    not_json: ["not JSON", "JSON ではない"],
    received_times: ["received {0} times", "受信 {0} 回"],
    first_messages: [
      "The first {0} messages. Looking does not receive them.",
      "先頭の {0} 件です。見るだけで、受信はしません。",
    ],
    no_message: ["No message here now.", "メッセージはありません。"],
    dead_from: ["comes from {0}", "元のキュー：{0}"],
    show_journey: ["Show the order's journey", "この注文の流れを見る"],
    poison: ["Send a poison message", "処理できないメッセージを送る"],
    redrive: ["Redrive…", "再処理（リドライブ）…"],
    redrive_title: ["Redrive {0}", "{0} を再処理（リドライブ）"],
    reason: ["Reason", "理由"],
    every_reason: ["every reason", "すべての理由"],
    rate: ["Rate", "速度"],
    at_once: ["at once", "一度に"],
    messages_per_second: ["{0} messages/s", "{0} 件/秒"],
    dry_run: ["Dry run", "試算（移動しない）"],
    would_move: [
      "{0} messages would move back to their queue.",
      "{0} 件が元のキューへ戻ります（まだ移動していません）。",
    ],
    move: ["Move them", "移動する"],
    moved: ["{0} messages moved.", "{0} 件を移動しました。"],
    purge: ["Purge…", "全削除（パージ）…"],
    purge_title: ["Purge {0}?", "{0} を全削除（パージ）しますか？"],
    purge_warning: [
      "Every message in this queue is deleted. It cannot be undone, and the audit may turn red.",
      "このキューのメッセージをすべて削除します。元に戻せません。監査が赤になることがあります。",
    ],
    purge_now: ["Delete all messages", "すべて削除する"],
    removed: ["{0} messages removed.", "{0} 件を削除しました。"],

    audit_now: ["Run the audit", "監査を実行"],
    audit_runs: ["The audit runs…", "監査を実行中…"],
    audit_green: ["Green: every promise is kept", "グリーン：すべての約束が守られています"],
    audit_unread: ["the audit could not read everything", "監査で読み取れないものがあります"],
    audit_red: ["Red: {0} promises are broken", "レッド：{0} 件の約束が破られています"],
    audit_empty: [
      "The audit checks every promise over the databases, the queues and the provider's ledger.",
      "監査は、データベース、キュー、決済プロバイダーの台帳を照合し、すべての約束を検査します。",
    ],
    audit_quiet: [
      "nothing was under way: every promise was judged",
      "処理中のものなし：すべての約束を検査",
    ],
    audit_busy: [
      "under load: only what holds at any moment was judged",
      "負荷中：常に成り立つ約束だけを検査",
    ],
    kept: ["kept", "守られている"],
    broken: ["broken", "破られている"],
    checked: ["{0} checked", "{0} 件を検査"],

    predict_note: [
      "Type a prediction first. Then the page makes the experiment on both shops and measures.",
      "まず予想を入力してください。そのあと両方のショップで実験し、測定します。",
    ],
    measure: ["Measure", "測定する"],
    running: ["Measuring…", "測定中…"],
    guess: ["prediction", "予想"],
    measured: ["measured", "実測"],
    unit_orders: ["orders", "件"],
    unit_s: ["s", "秒"],
    "unit_%": ["%", "%"],
    unit_times: ["times", "回"],

    footer: [
      "Everything runs on this machine. The two shops keep the same promises.",
      "すべてこのマシンで動いています。2 つのショップは同じ約束を守ります。",
    ],
    cost: ["Watching costs {0} % of one core.", "監視の負荷は 1 コアの {0} % です。"],
  };

  /** The promises of the audit, as the server names them. */
  const PROMISES = {
    "orders are accepted": "注文が受け付けられる",
    "every accepted order is on record": "受け付けた注文がすべて記録されている",
    "every order on record is the one that was sent": "記録された注文が送信した内容と同じ",
    "every order reached one status, and no facts contradict it":
      "どの注文も 1 つの状態に達し、矛盾する事実がない",
    "a confirmed order has one payment of its total":
      "確定した注文には合計額どおりの決済が 1 つある",
    "a confirmed order has one reservation of its lines":
      "確定した注文には明細どおりの在庫引当が 1 つある",
    "a confirmed order has one shipment": "確定した注文には出荷が 1 つある",
    "a cancelled order keeps no money": "キャンセルした注文の代金が残らない",
    "a cancelled order keeps no stock and is not shipped":
      "キャンセルした注文は在庫を持たず、出荷されない",
    "stock is conserved and never negative": "在庫の合計が保存され、負にならない",
    "the payment provider's ledger agrees with ours": "決済プロバイダーの台帳と記録が一致する",
    "every payment, reservation and shipment has its order": "決済・引当・出荷のすべてに注文がある",
    "no message is in a dead-letter queue": "デッドレターキューにメッセージがない",
    "no message is left in a queue": "キューにメッセージが残っていない",
    "no event is left in an outbox": "アウトボックスにイベントが残っていない",
  };

  const inLanguage = (language, key, ...values) => {
    const text = WORDS[key]?.[language === "ja" ? 1 : 0] ?? key;
    return text.replace(/\{(\d)\}/g, (_, n) => values[n]);
  };
  Live.inLanguage = inLanguage;
  Live.t = (key, ...values) => inLanguage(Live.choices.language, key, ...values);
  /** The text for `key`, or `otherwise` for a key that only the server knows. */
  Live.t.or = (key, otherwise) => (WORDS[key] ? Live.t(key) : otherwise);
  Live.promise = (text) => (Live.choices.language === "ja" ? (PROMISES[text] ?? text) : text);
  Live.wordKeys = () => Object.keys(WORDS);

  Live.translate = (root) => {
    for (const element of root.querySelectorAll("[data-t]")) {
      Live.text(element, Live.t(element.dataset.t));
    }
    for (const element of root.querySelectorAll("[data-t-label]")) {
      element.setAttribute("aria-label", Live.t(element.dataset.tLabel));
    }
  };
})();
