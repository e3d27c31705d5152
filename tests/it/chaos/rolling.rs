//! A new version takes over from an earlier one while both are at work on one database. The earlier one is built from the
//! history of this repository, which takes minutes once; so it is ignored in `make test` and run by `make test-long`.

mod long {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use cardkey_engines::Engine;
    use cardkey_sandbox::{Lifetimes, Options};

    use crate::chaos::READ;
    use crate::harness::{APP, Process, SCOPES, Setup, World, fresh_address, on};

    /// The last commit whose schema is the earlier one.
    const EARLIER: &str = "5bdb025";

    const PEOPLE: usize = 10;

    /// The binary of the earlier version.
    fn earlier() -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (tree, target) = (root.join("target/earlier").join(EARLIER), root.join("target/earlier/target"));
        let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
        if !tree.join("Cargo.toml").exists() {
            std::fs::create_dir_all(&tree).unwrap();
            let archive = root.join("target/earlier/tree.tar");
            run(Command::new("git").current_dir(root).args(["archive", "-o"]).arg(&archive).arg(EARLIER));
            run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&tree));
        }
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--locked", "--bin", "cardkey", "--target-dir"]).arg(&target).current_dir(&tree);
        run(&mut cargo);
        target.join("debug/cardkey")
    }

    impl World {
        /// A command of another version's binary, with a configuration of its own name.
        fn command_of(&self, binary: &Path, arguments: &[&str], config: &Path) -> Command {
            let mut command = Command::new(binary);
            command.args(arguments).arg("--demo").arg("--config").arg(config);
            command.env_clear().current_dir(self.directory.path()).envs(&self.setup.environment);
            command.env("CARDKEY_LOG__LEVEL", "info");
            command
        }

        /// The configuration of a gateway at this address, which from now on is the one that is talked to.
        fn configured_at_a_new_address(&mut self, name: &str) -> PathBuf {
            self.ip = fresh_address();
            let path = self.config_path().with_file_name(name);
            std::fs::write(&path, self.setup.file(self.ip, &self.sandbox.base_url(), &self.database)).unwrap();
            path
        }

        async fn serving(&self, binary: &Path, config: &Path) -> Process {
            let process = self.spawn(self.command_of(binary, &["serve"], config));
            process.logs("cardkey is up").await;
            process
        }

        /// Waits until every grant was refreshed so often since.
        async fn all_are_refreshed(&self, times: u64) {
            let generations = async || -> Vec<u64> {
                let grants = self.get("/v1/grants").await.json()["grants"].as_array().cloned().unwrap_or_default();
                grants.iter().map(|grant| grant["generation"].as_u64().unwrap()).collect()
            };
            let before = generations().await;
            assert_eq!(before.len(), PEOPLE);
            let after = async || generations().await.iter().zip(&before).all(|(now, then)| *now >= then + times);
            self.until(after).await;
        }
    }

    async fn a_new_version_takes_over_during_a_storm() {
        let lifetimes = Lifetimes { access_token_s: 10, ..Lifetimes::default() };
        let sandbox = Options { lifetimes, generated_people: PEOPLE, ..Options::default() };
        let setup = Setup { sandbox, ..Setup::default() }.variable("AUTH_TOKEN_REFRESH_THRESHOLD", "0.5");
        let mut world = World::without_gateway(setup.app("refresh = \"eager\"")).await;
        let (earlier, new) = (earlier(), PathBuf::from(env!("CARGO_BIN_EXE_cardkey")));
        let old_config = world.configured_at_a_new_address("earlier.toml");
        let make_key = ["keys", "create", "--name", "reports", "--app", APP, "--scopes", SCOPES];
        let made = world.finish(world.command_of(&earlier, &make_key, &old_config)).await;
        String::from_utf8(made.stdout).unwrap().trim().clone_into(&mut world.key);
        let old = world.serving(&earlier, &old_config).await;
        let old_ip = world.ip;
        for person in world.crowd() {
            world.consented_for(APP, &person).await;
        }
        world.all_are_refreshed(1).await;

        let new_config = world.configured_at_a_new_address("new.toml");
        let new = world.serving(&new, &new_config).await;
        world.all_are_refreshed(2).await;
        let new_ip = std::mem::replace(&mut world.ip, old_ip);
        let served = world.ask_for(&world.crowd()[0], READ, &serde_json::json!({})).await;
        assert_eq!(served.status, 200, "the earlier version goes on: {}", served.text);
        old.stop().await;
        world.ip = new_ip;
        world.all_are_refreshed(2).await;

        world.nothing_is_lost_or_sent_twice().await;
        assert!(world.grants().await.iter().all(|grant| grant["status"] == "active"));
        new.stop().await;
        world.end().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "builds an earlier version: make test-long"]
    async fn a_new_version_takes_over_during_a_storm_on_postgres() {
        on(Engine::Postgres, a_new_version_takes_over_during_a_storm()).await;
    }
}
