//! Entity tags (RFC 9110 section 13): two people who change one thing do not overwrite each other unseen.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use http::{HeaderValue, header};

use crate::problem::{Problem, ProblemCode};

/// A strong tag made from a version number of the row.
#[must_use]
pub fn etag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"v{version}\"")).expect("digits in quotes are a header value")
}

/// The version that the caller has read, from `If-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: whatever it is, as long as it exists.
    Any,
    /// Any of these versions.
    Versions(Vec<i64>),
}

impl IfMatch {
    /// Refuses a change to another version than the one that was read.
    ///
    /// # Errors
    /// `precondition_failed`.
    pub fn check(&self, current: i64) -> Result<(), Problem> {
        match self {
            Self::Any => Ok(()),
            Self::Versions(versions) if versions.contains(&current) => Ok(()),
            Self::Versions(_) => Err(Problem::new(ProblemCode::PreconditionFailed)),
        }
    }

    /// The version that must still be current when the change is written; none for `*`.
    ///
    /// # Errors
    /// `precondition_failed` when no tag of ours was named, or several, of which a write could not choose.
    pub fn expected(&self) -> Result<Option<i64>, Problem> {
        match self {
            Self::Any => Ok(None),
            Self::Versions(versions) => match versions.as_slice() {
                [only] => Ok(Some(*only)),
                _ => Err(Problem::new(ProblemCode::PreconditionFailed)),
            },
        }
    }

    /// Reads `*` or a list of entity tags; a tag that we did not make is one that nothing has.
    ///
    /// # Errors
    /// `bad_request` for anything else.
    fn parse(header: &str) -> Result<Self, Problem> {
        let header = header.trim_matches([' ', '\t']);
        if header == "*" {
            return Ok(Self::Any);
        }
        if header.len() > MAX_LENGTH {
            return Err(malformed());
        }
        let (mut versions, mut rest) = (Vec::new(), header);
        loop {
            let (weak, tag, after) = first_tag(rest).ok_or_else(malformed)?;
            let version = tag
                .strip_prefix('v')
                .and_then(|version| version.parse::<i64>().ok());
            // A change compares strongly (RFC 9110 section 13.1.1).
            versions.extend(version.filter(|_| !weak));
            match after.trim_start_matches([' ', '\t']) {
                "" => break,
                more => rest = more.strip_prefix(',').ok_or_else(malformed)?,
            }
        }
        Ok(Self::Versions(versions))
    }

    fn read(value: &HeaderValue) -> Result<Self, Problem> {
        Self::parse(value.to_str().map_err(|_| malformed())?)
    }
}

/// No list of tags that somebody has read is longer.
const MAX_LENGTH: usize = 200;
/// `*` or one entity tag, as the document shows them.
pub const ENTITY_TAG: &str = r#"^(\*|"[!#-~]*")$"#;

/// The first entity tag of a list: whether it is weak, what stands in its quotes, and the rest of the list.
fn first_tag(list: &str) -> Option<(bool, &str, &str)> {
    let list = list.trim_start_matches([' ', '\t']);
    let weak = list.strip_prefix("W/");
    let (tag, rest) = weak.unwrap_or(list).strip_prefix('"')?.split_once('"')?;
    let visible = tag.bytes().all(|byte| byte.is_ascii_graphic());
    visible.then_some((weak.is_some(), tag, rest))
}

fn malformed() -> Problem {
    Problem::new(ProblemCode::BadRequest)
        .detail("If-Match holds neither * nor entity tags")
        .detail_ru("в If-Match нет ни *, ни меток версий")
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let value = parts
            .headers
            .get(header::IF_MATCH)
            .ok_or_else(|| Problem::new(ProblemCode::PreconditionRequired))?;
        Self::read(value)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Problem> {
        let value = parts.headers.get(header::IF_MATCH);
        value.map(Self::read).transpose()
    }
}

/// The header as the document shows it where it may be left out: `params(IfMatchHeader)`.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatchHeader {
    /// The `ETag` of the version that you read: the change is refused when it is no longer current.
    #[param(
        rename = "If-Match",
        max_length = 200,
        pattern = r#"^(\*|"[!#-~]*")$"#,
        example = "\"v3\""
    )]
    pub if_match: Option<String>,
}

/// The header as the document shows it where it is required: `params(IfMatchRequiredHeader)`.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatchRequiredHeader {
    /// The `ETag` of the version that you read: the change is refused when it is no longer current.
    #[param(
        rename = "If-Match",
        max_length = 200,
        pattern = r#"^(\*|"[!#-~]*")$"#,
        example = "\"v3\""
    )]
    pub if_match: String,
}

/// Whether `If-None-Match` says that the caller has the version with this tag already, so that 304 is the answer.
#[must_use]
pub fn not_modified(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else {
        return false;
    };
    // A read compares weakly (RFC 9110 section 13.1.2).
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.trim() == "*" || known.split(',').any(|one| weak(one) == weak(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_that_was_read_may_change() {
        let check = |header: &str, current| IfMatch::parse(header)?.check(current);
        assert!(check("\"v3\"", 3).is_ok());
        assert!(check("\"v2\", \"v3\"", 3).is_ok());
        assert!(check("*", 9).is_ok());
        for header in ["\"v2\"", "W/\"v3\"", "\"\"", "\"a,b\""] {
            let problem = check(header, 3).expect_err(header);
            assert_eq!(problem.code(), ProblemCode::PreconditionFailed);
        }
        let long = format!("\"{}\"", "v".repeat(200));
        for header in ["v3", "", "\"v3", "\"v\"3\"", "\"v3\",", &long] {
            let problem = check(header, 3).expect_err(header);
            assert_eq!(problem.code(), ProblemCode::BadRequest, "{header}");
        }
    }

    #[test]
    fn a_reader_with_this_version_is_told_so() {
        let tag = etag(3);
        let same = |known: &'static str| not_modified(&HeaderValue::from_static(known), &tag);
        for known in ["\"v3\"", "W/\"v3\"", "\"v1\", \"v3\"", "*"] {
            assert!(same(known), "{known}");
        }
        for known in ["\"v2\"", "v3", "", "\"v33\""] {
            assert!(!same(known), "{known}");
        }
    }
}
