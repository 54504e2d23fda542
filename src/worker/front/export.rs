//! A customer's whole journal as lines, streamed.

use super::{Answer, AnswerKind, Call};
use crate::api::{Code, Problem};
use crate::text::Name;
use crate::worker::flow::Effect;
use crate::worker::message::Ask;
use crate::worker::objects::ledger_export::ExportPage;

/// Entries that are read and sent at a time. With the largest metadata about
/// 5 MB; the rest of the journal waits on disk.
const PAGE_ENTRIES: u64 = 500;
/// The reply of the shell when there is nobody to write to.
const GONE: &str = "!gone";

impl Call<'_> {
    pub(super) async fn export(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        // What is added from here on is not part of it.
        let mut page = self.export_page(&customer, 0, None).await?;
        let head =
            Answer::held(200, AnswerKind::Lines).with_header("X-Journal-Entries", page.until.to_string());
        if self.incoming.method() == "HEAD" {
            return Ok(head);
        }
        self.io.perform(Effect::Begin { head }).await;
        loop {
            self.write(page.lines).await?;
            if page.sent >= page.until {
                return Ok(Answer::held(200, AnswerKind::End));
            }
            page = self.export_page(&customer, page.sent, Some(page.until)).await?;
        }
    }

    async fn export_page(
        &self,
        customer: &Name,
        after: u64,
        until: Option<u64>,
    ) -> Result<ExportPage, Problem> {
        let reply = self.ask_ledger(customer, Ask::Export { after, until, limit: PAGE_ENTRIES }).await?;
        if reply.status != 200 {
            return Err(Problem::passed_on(reply.status, &reply.body));
        }
        // Each part must bring the export further, or it would never end.
        ExportPage::from_text(&reply.body)
            .filter(|page| page.sent > after)
            .ok_or_else(|| Problem::new(Code::Internal, "the journal has a gap"))
    }

    /// Writes to the body that was begun.
    ///
    /// # Errors
    /// If the caller is gone: there is nobody left to tell.
    pub(super) async fn write(&self, text: String) -> Result<(), Problem> {
        match self.io.perform(Effect::Write { text }).await.as_str() {
            GONE => Err(Problem::new(Code::Internal, "the caller is gone")),
            _ => Ok(()),
        }
    }
}
