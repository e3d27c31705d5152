//! The database's faults: every connection of the gateways ended at once, a table locked for two seconds.

use cardkey_engines::Engine;

use super::Storm;

/// Ends every connection to the database but the one that this comes over.
fn end_connections(engine: Engine, database: &str) -> String {
    match engine {
        Engine::Postgres => format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = '{database}' AND pid <> pg_backend_pid();"
        ),
        // One that ends by itself meanwhile is no mistake.
        Engine::MariaDb => format!(
            "DELIMITER //\nBEGIN NOT ATOMIC\nDECLARE CONTINUE HANDLER FOR 1094 BEGIN END;\n\
             FOR one IN (SELECT id FROM information_schema.processlist WHERE db = '{database}' AND id <> CONNECTION_ID())\n\
             DO EXECUTE IMMEDIATE CONCAT('KILL ', one.id);\nEND FOR;\nEND//\n"
        ),
    }
}

/// Keeps everybody from a table for two seconds.
fn lock(engine: Engine, table: &str) -> String {
    match engine {
        Engine::Postgres => {
            format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(2); COMMIT;")
        }
        Engine::MariaDb => format!("LOCK TABLES {table} WRITE; SELECT SLEEP(2); UNLOCK TABLES;"),
    }
}

impl Storm {
    /// Draws faults until the storm is over.
    pub(super) async fn shake(&self) {
        let mut draw = self.plan.draw(3);
        let (engine, database) = (self.plan.engine, self.world.database_url().to_owned());
        let name = database.rsplit('/').next().unwrap().to_owned();
        while !self.pause(draw.within(&self.plan.database_every)).await {
            let (what, sql) = match draw.below(4) {
                0 | 1 => ("every connection to the database ended", end_connections(engine, &name)),
                2 => ("table of grants locked for two seconds", lock(engine, "grants")),
                _ => ("table of budgets locked for two seconds", lock(engine, "rate_budgets")),
            };
            self.diary.count(what);
            let database = database.clone();
            tokio::task::spawn_blocking(move || engine.query(&database, &sql)).await.unwrap();
        }
    }

    /// What the database answers to a question for one number.
    pub(super) async fn number(&self, sql: String) -> usize {
        let (engine, database) = (self.plan.engine, self.world.database_url().to_owned());
        let answer = tokio::task::spawn_blocking(move || engine.query(&database, &sql)).await.unwrap();
        answer.trim().parse().unwrap_or_else(|_| panic!("not a number: {answer:?}"))
    }
}
