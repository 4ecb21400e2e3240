-- Arguments: target, host, Connection. The headers are a browser's.
function init(args)
  wrk.path = args[1]
  wrk.headers = {
    ["Host"] = args[2],
    ["User-Agent"] = "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0",
    ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ["Accept-Language"] = "en-US,en;q=0.5",
    ["Accept-Encoding"] = "gzip, deflate",
    ["Connection"] = args[3],
    ["Upgrade-Insecure-Requests"] = "1",
  }
end

function done(summary, latency)
  local errors = {}
  for kind, count in pairs(summary.errors) do
    errors[#errors + 1] = string.format('"%s":%d', kind, count)
  end
  io.write(string.format('\n{"requests":%d,"bytes":%.0f,"microseconds":%.0f,"p50":%.0f,"p99":%.0f,"errors":{%s}}\n',
    summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
    table.concat(errors, ",")))
end
