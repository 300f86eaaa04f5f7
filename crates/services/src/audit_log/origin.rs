//! On whose behalf a task works: set once where a request or a command begins, and found again wherever an entry is
//! written. Work that begins nowhere of these is the system's own: its start and its jobs.

use std::future::Future;
use std::sync::Arc;

use domain::audit::ActorKind;
use uuid::Uuid;

use crate::caller::{Caller, KeyCaller, Person};

tokio::task_local! {
    static ORIGIN: Arc<Origin>;
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What kind of caller it is.
    pub kind: ActorKind,
    /// The member or the integration key; a person and a key have one.
    pub id: Option<Uuid>,
    /// The sign-in.
    pub session: Option<Uuid>,
    /// Operator roles as `admin`, roles at a business as `owner@<business>`; the scopes of a key.
    pub roles: Vec<String>,
}

impl Actor {
    /// An actor who is nobody that we know by name.
    #[must_use]
    pub const fn unnamed(kind: ActorKind) -> Self {
        Self {
            kind,
            id: None,
            session: None,
            roles: Vec::new(),
        }
    }
}

impl From<&Person> for Actor {
    fn from(person: &Person) -> Self {
        let operator = person.operator.iter().map(ToString::to_string);
        let staff = person
            .staff
            .iter()
            .map(|place| format!("{}@{}", place.role, place.business));
        Self {
            kind: ActorKind::Person,
            id: Some(person.member.as_uuid()),
            session: Some(person.session.as_uuid()),
            roles: operator.chain(staff).collect(),
        }
    }
}

impl From<&KeyCaller> for Actor {
    fn from(key: &KeyCaller) -> Self {
        Self {
            kind: ActorKind::Key,
            id: Some(key.key.as_uuid()),
            session: None,
            roles: key.scopes.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Where work comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    who: Who,
    via: Option<String>,
    request_id: Option<String>,
}

/// Made into an [`Actor`] when an entry is written, which few requests do.
#[derive(Clone, Debug)]
enum Who {
    Caller(Caller),
    Unnamed(ActorKind),
}

impl Origin {
    /// A request: its caller, if it has shown a valid credential, and its name.
    #[must_use]
    pub fn request(caller: Option<Caller>, via: Option<String>, request_id: String) -> Self {
        Self {
            who: caller.map_or(Who::Unnamed(ActorKind::Anonymous), Who::Caller),
            via,
            request_id: Some(request_id),
        }
    }

    /// A command of the program.
    #[must_use]
    pub fn command(name: &str) -> Self {
        Self {
            who: Who::Unnamed(ActorKind::Command),
            via: Some(format!("owncircle {name}")),
            request_id: None,
        }
    }

    /// The service by itself.
    #[must_use]
    pub const fn system() -> Self {
        Self {
            who: Who::Unnamed(ActorKind::System),
            via: None,
            request_id: None,
        }
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match &self.who {
            Who::Caller(Caller::Person(person)) => person.into(),
            Who::Caller(Caller::Key(key)) => key.into(),
            Who::Unnamed(kind) => Actor::unnamed(*kind),
        }
    }

    /// The way in: method and pattern of the address, or the command.
    #[must_use]
    pub fn via(&self) -> Option<&str> {
        self.via.as_deref()
    }

    /// The name of the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

/// Does work on behalf of `origin`.
pub async fn within<F: Future>(origin: Origin, work: F) -> F::Output {
    ORIGIN.scope(Arc::new(origin), work).await
}

/// The work of a task that goes on with the present one's.
pub(crate) async fn keeping<F: Future>(origin: Option<Arc<Origin>>, work: F) -> F::Output {
    match origin {
        Some(origin) => ORIGIN.scope(origin, work).await,
        None => work.await,
    }
}

/// Where the work of this task comes from, if somebody has said so.
pub(crate) fn current() -> Option<Arc<Origin>> {
    ORIGIN.try_with(Arc::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_goes_on_keeps_the_origin() {
        assert!(current().is_none());
        let origin = Origin::request(None, Some("GET /x".into()), "r-1".into());
        let found = within(origin, async {
            let kept = current();
            tokio::spawn(keeping(kept, async { current() }))
                .await
                .expect("the task ends")
        });
        let found = found.await.expect("an origin");
        assert_eq!(found.request_id(), Some("r-1"));
        assert_eq!(found.actor(), Actor::unnamed(ActorKind::Anonymous));
        assert!(current().is_none());
    }
}
