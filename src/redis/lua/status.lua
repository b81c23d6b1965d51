--[[
  Who holds which database. Changes nothing.

  KEYS[1]  prefix of the lease records

  ARGV[1]  control database
  ARGV[2]  number of databases of the server

  Returns  { now, each database }
             each database  { number of keys, 1 if it carries our marker, owner, fence, run id, host, process id, shard,
                              since, expires, '1' if open }; the lease's fields are empty strings where there is none
]]
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
local rows = { now }
for database = 0, tonumber(ARGV[2]) - 1 do
  redis.call('SELECT', database)
  local marker = redis.pcall('HMGET', 'tiershard:owner', 'control', 'fence')
  local row = { redis.call('DBSIZE'), (marker[1] == ARGV[1] and tonumber(marker[2])) and 1 or 0 }
  redis.call('SELECT', ARGV[1])
  local lease = redis.call('HMGET', KEYS[1] .. database, 'owner', 'fence', 'run', 'host', 'pid', 'shard', 'since', 'expires',
    'open')
  for _, field in ipairs({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }) do
    table.insert(row, lease[field] or '')
  end
  table.insert(rows, row)
end
return rows
