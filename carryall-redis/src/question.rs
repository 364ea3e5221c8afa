//! One command about one record, and what to do when it cannot be answered at once.

use redis::{Cmd, ErrorKind, RedisResult, ServerErrorKind, Value};

use crate::line::{Line, is_lost};
use crate::link::Link;
use crate::script::Script;

/// A command about one record.
#[derive(Clone, Copy)]
pub(crate) enum Question<'a> {
    /// Changes nothing, and so may be asked again if the connection was lost before the answer came.
    Read(&'a Cmd),
    /// Calls a script by its hash, and by its text if the server has forgotten it.
    Call(&'a Script, &'a Cmd),
}

impl Question<'_> {
    pub(crate) async fn put(self, link: &Link) -> RedisResult<Value> {
        self.put_with(link, Line::ask).await
    }

    /// Puts it to a node of a cluster that is to get the record, but has not yet.
    pub(crate) async fn put_ahead(self, link: &Link) -> RedisResult<Value> {
        self.put_with(link, Line::ask_ahead).await
    }

    async fn put_with(
        self,
        link: &Link,
        ask: impl AsyncFn(Line, &Cmd) -> RedisResult<Value>,
    ) -> RedisResult<Value> {
        let (Self::Read(command) | Self::Call(_, command)) = self;
        let error = match ask(link.line().await?, command).await {
            Err(error) => error,
            answer => return answer,
        };
        match self {
            Self::Read(command) if is_lost(&error) && !error.is_timeout() => {
                ask(link.line().await?, command).await
            }
            Self::Call(script, call) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                ask(link.line().await?, &script.in_full(call)).await
            }
            _ => Err(error),
        }
    }
}
