//! The durable objects: what each does with a call. The shell gives them
//! their storage and the time, commits, and sends their answers.

pub mod delivery;
pub mod events;
pub mod ledger;
pub mod ledger_audit;
mod ledger_execute;
pub mod ledger_export;
mod ledger_views;
mod notices;
pub mod project;
mod rate;
pub mod registry;
pub mod rollup;
mod rollup_views;
pub mod shipping;
