//! A tier's rate limit. It lives in the object's memory: no request writes
//! anything for it, and an object that was idle begins anew.

use crate::ledger::RateLimit;
use crate::time::Timestamp;
use crate::worker::reply::RateState;

/// One customer's requests in the running window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limiter {
    began_at: Timestamp,
    used: u32,
}

impl Limiter {
    /// Counts a request, and says how the window stands with it.
    pub(super) fn take(&mut self, limit: RateLimit, now: Timestamp) -> RateState {
        let window_ms = i64::from(limit.window_seconds).saturating_mul(1000);
        if now.ms_since(self.began_at) >= window_ms {
            self.began_at = now;
            self.used = 0;
        }
        let is_exceeded = self.used >= limit.requests;
        if !is_exceeded {
            self.used = self.used.saturating_add(1);
        }
        let left_ms = window_ms.saturating_sub(now.ms_since(self.began_at));
        RateState {
            limit,
            remaining: limit.requests.saturating_sub(self.used),
            // Up, so that who waits for it does not come too early.
            reset_seconds: left_ms.saturating_add(999).div_euclid(1000),
            is_exceeded,
        }
    }
}
