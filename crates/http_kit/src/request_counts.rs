//! The metrics of answered requests. A metric is looked up by its labels once and kept: the labels are few, the
//! requests many.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Histogram};

/// Answers counted and timed by method, route and status. Begin to count after the recorder was installed.
#[derive(Debug, Default)]
pub(crate) struct RequestCounts(RwLock<HashMap<String, Vec<Counted>>>);

/// The metrics of one kind of answer on one route.
#[derive(Clone, Debug)]
struct Counted {
    method: &'static str,
    status: u16,
    answers: Counter,
    seconds: Histogram,
}

impl RequestCounts {
    /// Counts one answer.
    pub(crate) fn note(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let known = self.known(method, route, status);
        let counted = known.unwrap_or_else(|| self.add(method, route, status));
        counted.answers.increment(1);
        counted.seconds.record(took.as_secs_f64());
    }

    fn known(&self, method: &'static str, route: &str, status: u16) -> Option<Counted> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let of_route = all.get(route)?;
        let found = of_route
            .iter()
            .find(|counted| counted.status == status && counted.method == method);
        found.cloned()
    }

    fn add(&self, method: &'static str, route: &str, status: u16) -> Counted {
        let labels = [
            ("method", method.to_owned()),
            ("path", route.to_owned()),
            ("status", status.to_string()),
        ];
        let counted = Counted {
            method,
            status,
            answers: metrics::counter!("http_requests_total", &labels),
            seconds: metrics::histogram!("http_request_duration_seconds", &labels[..2]),
        };
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Twice the same metric, should another thread be adding it too, is the same metric.
        all.entry(route.to_owned())
            .or_default()
            .push(counted.clone());
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_answer_has_its_metrics_once() {
        let counts = RequestCounts::default();
        for (method, route, status) in [
            ("GET", "/a", 200),
            ("GET", "/a", 200),
            ("GET", "/a", 404),
            ("POST", "/a", 200),
            ("GET", "/b", 200),
        ] {
            counts.note(method, route, status, Duration::from_millis(1));
        }
        let all = counts.0.read().unwrap();
        assert_eq!((all["/a"].len(), all["/b"].len()), (3, 1));
        drop(all);
        assert!(counts.known("POST", "/a", 200).is_some());
        assert!(counts.known("POST", "/b", 200).is_none());
    }
}
