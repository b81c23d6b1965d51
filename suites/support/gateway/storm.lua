-- Storm detection: sees one alert of a service and says whether the service is in a storm.
--
-- A storm starts with the alert that makes it `threshold` alerts within `window`, and goes on until there was no
-- alert for `quiet`. While it goes on alerts are only counted: the window never holds more than `threshold` members,
-- however long and hard the storm is.
--
-- KEYS[1]  window: sorted set, alert id by time, of the alerts seen while the service was calm
-- KEYS[2]  storm: hash { id, last, grouped }, there while a storm goes on
-- ARGV[1]  now in ms, or '' for the server's clock, which all gateways share
-- ARGV[2]  window, ms
-- ARGV[3]  threshold, alerts
-- ARGV[4]  quiet, ms
-- ARGV[5]  id of the alert; the one that starts a storm names it
--
-- returns  { state, alerts, storm }
--          'calm',    alerts in the window,    ''
--          'started', alerts in the window,    id of the storm
--          'ongoing', alerts grouped by now,   id of the storm

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local window, threshold, quiet, id = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

local storm = redis.call('HMGET', KEYS[2], 'id', 'last')
if storm[1] then
  if now - tonumber(storm[2]) <= quiet then
    redis.call('HSET', KEYS[2], 'last', math.max(now, tonumber(storm[2])))
    redis.call('PEXPIRE', KEYS[2], 2 * quiet)
    return { 'ongoing', redis.call('HINCRBY', KEYS[2], 'grouped', 1), storm[1] }
  end
  redis.call('DEL', KEYS[2])
end

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - window))
redis.call('ZADD', KEYS[1], now, id)
local alerts = redis.call('ZCARD', KEYS[1])
if alerts < threshold then
  redis.call('PEXPIRE', KEYS[1], 2 * window)
  return { 'calm', alerts, '' }
end

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[2], 'id', id, 'last', now, 'grouped', 0)
redis.call('PEXPIRE', KEYS[2], 2 * quiet)
return { 'started', alerts, id }
