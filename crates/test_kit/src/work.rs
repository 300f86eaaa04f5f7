//! The jobs of members' rights, done when a test wants them.

use jobs::Registry;
use services::housekeeping::forget_staff_credits::ForgetStaffCredits;
use services::members::hash_tails::HashPhoneTails;
use services::personal_data::erase_member::EraseMember;
use services::personal_data::forget_exports::ForgetExports;
use services::personal_data::make_export::MakeExport;

use crate::app::TestApp;

impl TestApp {
    /// Asks for what the clock asks for every hour.
    ///
    /// # Panics
    /// If the queue does not answer.
    pub async fn ask_to_forget_exports(&self) {
        let mut conn = self.context.connection().await.expect("a connection");
        jobs::enqueue(&mut conn, &ForgetExports, self.now())
            .await
            .expect("the queue answers");
    }

    /// Forgets the credits of people at tills that no limit counts any more, as the clock does every night.
    ///
    /// # Panics
    /// If the job fails.
    pub async fn forget_staff_credits(&self) {
        let (pool, now) = (self.context.pool(), self.now());
        let mut conn = self.context.connection().await.expect("a connection");
        let asked = jobs::enqueue(&mut conn, &ForgetStaffCredits, now).await;
        asked.expect("the queue answers");
        let registry = Registry::new().job::<ForgetStaffCredits>();
        let drained = jobs::drain::drain(pool, &registry, &self.context, now).await;
        let drained = drained.expect("the queue answers");
        assert!(drained.failures().is_empty(), "{drained:?}");
        assert_eq!(drained.names().len(), 1);
    }

    /// Runs the jobs on personal data that wait, to their end.
    ///
    /// # Panics
    /// If one fails.
    pub async fn run_personal_data_jobs(&self) {
        let registry = Registry::new()
            .job::<EraseMember>()
            .job::<MakeExport>()
            .job::<ForgetExports>()
            .job::<HashPhoneTails>();
        let (pool, now) = (self.context.pool(), self.now());
        let drained = jobs::drain::drain(pool, &registry, &self.context, now).await;
        let drained = drained.expect("the queue answers");
        assert!(drained.failures().is_empty(), "{drained:?}");
    }
}
