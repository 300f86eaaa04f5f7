-- Takes from rates: the generic cell rate algorithm as in src/quota.rs, for many keys at once.
-- ARGV[1]: microseconds since the epoch, or '' for Redis's own time; then interval, burst and n for each key.
-- Returns for each key how many microseconds it must wait (0: it passes) and how many more would pass.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local answer = {}
for i = 1, #KEYS do
  local interval = tonumber(ARGV[3 * i - 1])
  local room = interval * tonumber(ARGV[3 * i])
  local full_at = tonumber(redis.call('GET', KEYS[i]) or now)
  full_at = math.min(math.max(full_at, now), now + room)
  local next = full_at + interval * tonumber(ARGV[3 * i + 1])
  local over = next - now - room
  if over > 0 then
    answer[2 * i - 1] = over
    answer[2 * i] = math.floor((room - (full_at - now)) / interval)
  else
    -- A minute more than needed, for a clock that is told by a test and stands still.
    redis.call('SET', KEYS[i], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 60000)
    answer[2 * i - 1] = 0
    answer[2 * i] = math.floor((room - (next - now)) / interval)
  end
end
return answer
