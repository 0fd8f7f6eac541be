//! Whom Postgres runs as: it refuses to run as root.

use std::process::Command;

use crate::Error;

/// A user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// Who we are, and whether the server must be somebody else.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    /// Owner of the server's files.
    pub(crate) server: Account,
    /// The server's account, when it is not our own.
    pub(crate) switch_to: Option<Account>,
}

impl Accounts {
    /// Ordinary users run the server themselves; root lends it `postgres` or `nobody`.
    pub(crate) fn find() -> Result<Self, Error> {
        let ourselves = lookup(None).ok_or(Error::NoAccount)?;
        if ourselves.uid != 0 {
            return Ok(Self {
                server: ourselves,
                switch_to: None,
            });
        }

        let server = ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| lookup(Some(name)));
        let server = server.ok_or(Error::NoAccount)?;
        Ok(Self {
            switch_to: Some(server.clone()),
            server,
        })
    }
}

/// `id` asks whatever directory the system uses, so /etc/passwd need not be read.
fn lookup(name: Option<&str>) -> Option<Account> {
    let ask = |option: &str| {
        let output = Command::new("id").arg(option).args(name).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    Some(Account {
        uid: ask("-u")?.parse().ok()?,
        gid: ask("-g")?.parse().ok()?,
        name: name.map(str::to_owned).or_else(|| ask("-un"))?,
    })
}
