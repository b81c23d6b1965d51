--[[
  Leases free databases, as many as are asked for and there are. A database is free when no lease of it is alive and
  its content is nobody's (empty) or ours (an owner marker of this control database, or an expired lease that was open:
  its holder died in the middle of a file). Databases without any lease are taken first; those of a holder that
  expired come last, in case a jump of the clock made it look so.

  KEYS[1]     fences: hash of database -> last fence
  KEYS[2...]  lease records of the candidates

  ARGV[1]     control database
  ARGV[2]     number of databases of the server
  ARGV[3]     how many leases
  ARGV[4]     lease time, ms
  ARGV[5]     how long an open record outlives its lease, ms
  ARGV[6]     how long the fences are kept after their last use, ms
  ARGV[7]     owner: a token that nobody else has
  ARGV[8]     run id
  ARGV[9]     host name
  ARGV[10]    process id
  ARGV[11]    shard of the first lease; the next ones follow
  ARGV[12...] candidate databases, in the order of KEYS

  Returns  { 'ok', granted, skipped, holders }
             granted  { database, fence } each
             skipped  { database, number of keys } each: not leased, but holding data that is not ours
             holders  { database, run id, host, since } each
           { 'rival', database }  that database holds living leases of this server too: those leases and ours would not
             see each other
]]
local control = ARGV[1]
local count = tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- A control database elsewhere on this server, in use.
for database = 0, tonumber(ARGV[2]) - 1 do
  if database ~= tonumber(control) then
    redis.call('SELECT', database)
    if redis.call('EXISTS', KEYS[1]) == 1 then
      local leased = redis.pcall('HKEYS', KEYS[1])
      for _, index in ipairs(leased) do
        local expires = redis.pcall('HGET', 'tiershard:lease:' .. index, 'expires')
        if type(expires) == 'string' and (tonumber(expires) or 0) > now then
          return { 'rival', database }
        end
      end
    end
  end
end

-- The fence of our marker in the selected database; nil when it has none of ours.
local function marker()
  local found = redis.pcall('HMGET', 'tiershard:owner', 'control', 'fence')
  return found[1] == control and tonumber(found[2]) or nil
end

local fresh, expired, skipped, holders = {}, {}, {}, {}
for index = 2, #KEYS do
  if #fresh == count then
    break
  end
  local database = ARGV[index + 10]
  redis.call('SELECT', control)
  local lease = redis.call('HMGET', KEYS[index], 'owner', 'expires', 'open', 'run', 'host', 'since')
  if lease[1] and tonumber(lease[2] or 0) > now then
    table.insert(holders, { database, lease[4], lease[5], lease[6] })
  else
    redis.call('SELECT', database)
    local keys = redis.call('DBSIZE')
    local fence = keys > 0 and marker() or nil
    local open = lease[3] == '1'
    if keys > 0 and not fence and not open then
      table.insert(skipped, { database, keys })
    else
      local candidate = { database = database, key = KEYS[index], open = open, after = fence or 0 }
      table.insert(lease[1] and expired or fresh, candidate)
    end
  end
end

redis.call('SELECT', control)
local granted = {}
local function grant(candidate)
  local previous = tonumber(redis.call('HGET', KEYS[1], candidate.database) or 0)
  local fence = string.format('%.0f', math.max(previous + 1, candidate.after + 1, now))
  redis.call('HSET', KEYS[1], candidate.database, fence)
  redis.call('DEL', candidate.key)
  redis.call('HSET', candidate.key, 'owner', ARGV[7], 'fence', fence, 'run', ARGV[8], 'host', ARGV[9], 'pid', ARGV[10],
    'shard', tonumber(ARGV[11]) + #granted, 'since', string.format('%.0f', now),
    'expires', string.format('%.0f', now + ARGV[4]), 'open', candidate.open and '1' or '0')
  -- An inherited open record keeps its long life: this holder may die before it flushes.
  redis.call('PEXPIRE', candidate.key, candidate.open and ARGV[5] or ARGV[4])
  table.insert(granted, { candidate.database, fence })
end
for _, list in ipairs({ fresh, expired }) do
  for _, candidate in ipairs(list) do
    if #granted < count then
      grant(candidate)
    end
  end
end
if #granted > 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
return { 'ok', granted, skipped, holders }
