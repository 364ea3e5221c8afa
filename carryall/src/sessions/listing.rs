//! The sessions of one user: listed, counted, and ended one by one.

use std::net::IpAddr;

use super::Sessions;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::id::{Handle, Subject};
use crate::lifecycle::drive::subjects::{self, Kept};
use crate::session::Session;

/// One of a user's sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// The public name, for [`Sessions::revoke_one`]: safe to show, useless as a cookie.
    pub handle: Handle,
    /// When the session began, which may be before the user signed in.
    pub created: Timestamp,
    /// When it was last seen, to within the refresh threshold (default 60 s).
    pub seen: Timestamp,
    /// When it ends if it is not used again.
    pub expires: Timestamp,
    /// When the user last proved who they are.
    pub auth_time: Timestamp,
    /// The assurance level: 1 after `login`, more after `elevate`.
    pub level: u8,
    /// Whether the browser keeps the cookie when it closes ("remember me").
    pub is_persistent: bool,
    /// The client's address when the session began, if the application
    /// [records it](crate::ClientPolicy::record_address).
    pub address: Option<IpAddr>,
    /// The client's agent when the session began, if the application records it. Written by the client: escape it.
    pub agent: Option<Box<str>>,
    /// Whether it is the one that the list was asked for from.
    pub is_current: bool,
}

/// What needs a store that finds the sessions of a user, as all of ours do. All of it asks
/// the store, so it is true of every node.
impl Sessions {
    /// Whether the sessions of a user can be listed here.
    pub fn can_list(&self) -> bool {
        subjects::can_list(&self.house)
    }

    /// The sessions of a user, the oldest first; the first 1000 if there are more. None counts as the current one.
    ///
    /// ```
    /// use carryall::{KeyRing, MemoryStore, Sessions};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), carryall::Error> {
    /// let sessions = Sessions::builder(KeyRing::random()?).store(MemoryStore::new()).build()?;
    /// for session in sessions.list("ada").await? {
    ///     println!("{} last seen {:?}", session.handle, session.seen);
    ///     sessions.revoke_one("ada", session.handle.as_str()).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse) if sessions are kept where nobody can list them: in cookies, or in a store that
    /// does not declare it. [`Outage`](ErrorKind::Outage) if the store does not answer, or a record is encrypted under a
    /// key that this node does not hold.
    pub async fn list(&self, subject: impl AsRef<str>) -> Result<Vec<Listed>, Error> {
        let subject = Subject::new(subject)?;
        let kept = subjects::list(&self.house, &subject).await?;
        Ok(kept.into_iter().filter_map(|kept| self.listed(kept, None)).collect())
    }

    /// The sessions of the user who is signed in here, this one marked; else as [`list`](Self::list).
    ///
    /// # Errors
    /// As [`list`](Self::list); [`Misuse`](ErrorKind::Misuse) if nobody is signed in.
    pub async fn list_from(&self, session: &Session) -> Result<Vec<Listed>, Error> {
        let (subject, current) = user_of(session)?;
        let kept = subjects::list(&self.house, &subject).await?;
        Ok(kept.into_iter().filter_map(|kept| self.listed(kept, Some(&current))).collect())
    }

    /// How many sessions a user has. Those that [`revoke_subject`](Self::revoke_subject), `revoke_key` and
    /// `revoke_everyone` have made worthless are among them until they expire.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn count(&self, subject: impl AsRef<str>) -> Result<usize, Error> {
        subjects::count(&self.house, &Subject::new(subject)?).await
    }

    /// Ends one session of a user, by its public name: on every node, with all in it, for every cookie of it. Answers
    /// whether the user had such a session; the name of somebody else's ends nothing.
    ///
    /// Requests that have loaded it finish, but what they write is refused. [`Session::ended`] resolves on this node at
    /// once. From inside the session that is to end, call [`Session::logout`] instead, which removes the cookie too.
    ///
    /// # Errors
    /// As [`list`](Self::list). After an [`Outage`](ErrorKind::Outage) of the removal this node refuses the session and
    /// goes on trying to remove it.
    pub async fn revoke_one(&self, subject: impl AsRef<str>, handle: impl AsRef<str>) -> Result<bool, Error> {
        subjects::end_one(&self.house, &Subject::new(subject)?, handle.as_ref()).await
    }

    /// Ends every other session of the user who is signed in here; answers how many.
    ///
    /// Somebody who signs in meanwhile may stay. After a change of password, where nobody may, call
    /// [`revoke_subject`](Self::revoke_subject) and [`Session::login`].
    ///
    /// # Errors
    /// As [`list_from`](Self::list_from); those that were ended before a failure stay ended.
    pub async fn revoke_others(&self, session: &Session) -> Result<usize, Error> {
        let (subject, current) = user_of(session)?;
        subjects::end_all(&self.house, &subject, Some(&current)).await
    }

    fn listed(&self, kept: Kept, current: Option<&Handle>) -> Option<Listed> {
        let Kept { header, envelope } = kept;
        let login = envelope.login.as_ref()?;
        let handle = self.house.handle(&envelope.family);
        Some(Listed {
            created: header.created,
            seen: header.seen,
            expires: header.expires,
            auth_time: login.auth_time,
            level: login.level,
            is_persistent: envelope.persist_for.is_some(),
            address: envelope.origin.as_ref().and_then(|origin| origin.address),
            agent: envelope.origin.as_ref().and_then(|origin| origin.agent.clone()),
            is_current: current == Some(&handle),
            handle,
        })
    }
}

/// Who is signed in, and the session's name.
fn user_of(session: &Session) -> Result<(Subject, Handle), Error> {
    let meta = session.meta().filter(|_| session.exists());
    meta.and_then(|meta| Some((meta.subject?, meta.handle))).ok_or_else(|| {
        Error::new(ErrorKind::Misuse, "nobody is signed in: ask `Session::subject` first, or name the user")
    })
}
