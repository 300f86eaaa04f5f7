//! The work on files of purchases, done when a test wants it.

use jobs::Registry;
use services::imports::import_purchases::ImportPurchases;

use crate::app::TestApp;

impl TestApp {
    /// Runs the import jobs that wait, to their end.
    ///
    /// # Panics
    /// If one fails.
    pub async fn run_imports(&self) {
        let registry = Registry::new().job::<ImportPurchases>();
        let (pool, now) = (self.context.pool(), self.now());
        let drained = jobs::drain::drain(pool, &registry, &self.context, now).await;
        let drained = drained.expect("the queue answers");
        assert!(drained.failures().is_empty(), "{drained:?}");
    }
}
