use messaging::{BatchHandler, Fault, Outbox, handle_batch};
use sandbox::postgres::Lease;
use sqlx::PgConnection;
use store::Context;

use crate::migrated;

/// The database of one service with its outbox, for tests that call handlers without a process.
pub struct ServiceDatabase {
    pub connection: PgConnection,
    pub outbox: Outbox,
    lease: Lease,
}

impl ServiceDatabase {
    /// A fresh database with the tables of `context` and of messaging.
    pub async fn open(name: &str, context: Context) -> ServiceDatabase {
        let lease = migrated(name, [context]).await;
        let mut connection = lease.connect().await.unwrap();
        messaging::migrations().run(&mut connection).await.unwrap();
        ServiceDatabase {
            outbox: Outbox::new(&lease.pool().await.unwrap()),
            connection,
            lease,
        }
    }

    pub fn url(&self) -> &str {
        &self.lease.url
    }

    /// Another connection, for a transaction that competes.
    pub async fn connect(&self) -> PgConnection {
        self.lease.connect().await.unwrap()
    }

    /// Handles these messages as one batch in one transaction.
    pub async fn handle<M: Send + Sync + 'static>(
        &self,
        handler: &impl BatchHandler<Message = M>,
        messages: Vec<M>,
    ) -> Result<(), Fault> {
        let mut tx = self.outbox.begin().await?;
        handle_batch(handler, &mut tx, messages).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The facts in the outbox, each with its queue, in the sequence of their publication.
    pub async fn published(&mut self) -> Vec<(String, String)> {
        let sql = "select body::jsonb ->> 'fact' as fact, queue from outbox order by position";
        sqlx::query_as(sql)
            .fetch_all(&mut self.connection)
            .await
            .unwrap()
    }
}
