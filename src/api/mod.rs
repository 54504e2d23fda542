//! What travels over HTTP, shared by the faces: bodies as they come in,
//! answers and problems as they go out.
//!
//! In: bytes from a caller. Out: typed values, or the precise problem. It
//! knows nothing of routes, keys or storage.

mod analytics;
mod answer;
mod body;
mod decimal;
mod problem;
mod settings;

pub use analytics::{
    ActionAnswer, BurnRateAnswer, ComparisonAnswer, PeriodTotals, SummaryAnswer, TopConsumerAnswer,
    UsageAnswer, UsageRow,
};
pub use answer::{
    AddAnswer, AuditAnswer, AuditFault, BalanceAnswer, BatchAnswer, BatchItem, ChainAnswer, CheckAnswer,
    ConsumeAnswer, CustomerAnswer, ExportLine, ExtendAnswer, GrantAnswer, List, Pagination,
    TransactionAnswer, UsageCompleteAnswer, UsageStartAnswer, UsageStateAnswer,
};
pub use body::{Body, Field};
pub use decimal::{Decimal, Exact};
pub use problem::{Code, Problem};
pub use settings::{CustomerSettingsAnswer, SettingsAnswer, SpendLimitAnswer};
