//! What runs by the clock, as the program was started with it.

use std::fmt;
use std::sync::Arc;

use ::jobs::Schedule;

/// All schedules of the program. Cheap to clone.
#[derive(Clone, Default)]
pub struct Timetable(Arc<Vec<Schedule>>);

impl Timetable {
    /// A timetable of these schedules.
    #[must_use]
    pub fn new(schedules: Vec<Schedule>) -> Self {
        Self(Arc::new(schedules))
    }

    /// The schedules, in the order given.
    #[must_use]
    pub fn schedules(&self) -> &[Schedule] {
        &self.0
    }
}

impl fmt::Debug for Timetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(Schedule::name))
            .finish()
    }
}
