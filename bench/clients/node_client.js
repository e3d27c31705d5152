// The official Node client (@larksuiteoapi/node-sdk), as its documentation shows it, for comparison in
// `make bench-events`.
//
// Its handlers do nothing, or, with --sqlite PATH, insert one row into a table like Cardkey's inbox and commit it to
// the disk before they return (and so before the event is acknowledged).
//
// environment: BASE_URL APP_ID APP_SECRET
'use strict';

const lark = require('@larksuiteoapi/node-sdk');

const TABLE = `CREATE TABLE IF NOT EXISTS inbox (seq INTEGER PRIMARY KEY, app_id TEXT NOT NULL, event_id TEXT NOT NULL,
    event_type TEXT NOT NULL, received_at INTEGER NOT NULL)`;
const INSERT = 'INSERT INTO inbox (app_id, event_id, event_type, received_at) VALUES (?, ?, ?, ?)';

/** Takes an event and has it on the disk when it returns: without a transaction, each statement is one. */
function inserting(path) {
  const Database = require('better-sqlite3');
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(TABLE);
  const insert = database.prepare(INSERT);
  return (event) => insert.run(event.app_id, event.event_id, event.event_type, Date.now() * 1000);
}

function main(argv) {
  const at = argv.indexOf('--sqlite');
  const take = at < 0 ? () => {} : inserting(argv[at + 1]);
  const { BASE_URL, APP_ID, APP_SECRET } = process.env;
  const handlers = new lark.EventDispatcher({ loggerLevel: lark.LoggerLevel.error }).register({
    'im.message.receive_v1': async (event) => {
      take(event);
    },
    'card.action.trigger': async (event) => {
      take(event);
      return {};
    },
  });
  const client = new lark.WSClient({
    appId: APP_ID,
    appSecret: APP_SECRET,
    domain: BASE_URL,
    loggerLevel: lark.LoggerLevel.error,
  });
  client.start({ eventDispatcher: handlers });
}

main(process.argv.slice(2));
