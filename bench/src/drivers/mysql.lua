-- What the database does alone, for the service to be measured against: one prepared
-- statement an event, on a table of the shape of the service's own.

sysbench.cmdline.options = {
   work = {"What an event does: select, update or insert", "select"},
   rows = {"How many rows are read and updated", 10000},
}

-- The table, with rows to read and update.
local function fill()
   local connection = sysbench.sql.driver():connect()
   connection:query([[CREATE TABLE users (
      uid  BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
      name VARCHAR(18) NOT NULL,
      sex  BIGINT      NOT NULL
   ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin]])
   connection:bulk_insert_init("INSERT INTO users (name, sex) VALUES")
   for _ = 1, sysbench.opt.rows do
      connection:bulk_insert_next("('gopher', 0)")
   end
   connection:bulk_insert_done()
end

-- Proof of what was done: each update has added 1 to one sex, each insert a row.
local function proof()
   local connection = sysbench.sql.driver():connect()
   print(string.format(
      '{"rows":%d,"updates":%d,"version":"%s"}',
      connection:query_row("SELECT COUNT(*) FROM users"),
      connection:query_row("SELECT SUM(sex) FROM users"),
      connection:query_row("SELECT VERSION()")
   ))
end

sysbench.cmdline.commands = {
   fill = {fill},
   proof = {proof},
}

local statements = {
   select = "SELECT name, sex FROM users WHERE uid = ?",
   update = "UPDATE users SET sex = sex + 1 WHERE uid = ?",
   insert = "INSERT INTO users (name, sex) VALUES ('gopher', ?)",
}

local connection, statement, argument

function thread_init()
   connection = sysbench.sql.driver():connect()
   statement = connection:prepare(statements[sysbench.opt.work])
   argument = statement:bind_create(sysbench.sql.type.BIGINT)
   statement:bind_param(argument)
end

function event()
   if sysbench.opt.work == "insert" then
      argument:set(0)
   else
      argument:set(sysbench.rand.uniform(1, sysbench.opt.rows))
   end
   local result = statement:execute()
   if sysbench.opt.work == "select" then
      assert(result.nrows == 1, "a row is missing")
   end
end

function thread_done()
   statement:close()
   connection:disconnect()
end

function sysbench.hooks.report_cumulative(total)
   print(string.format(
      '{"requests":%d,"seconds":%.6f,"errors":{"errors":%d,"reconnects":%d}}',
      total.events, total.time_total, total.errors, total.reconnects
   ))
end
