-- Sends a form, if one is given, and prints what was measured exactly.

function init(args)
   if args[1] then
      wrk.method = "POST"
      wrk.body = args[1]
      wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
   end
end

function done(summary)
   local errors = summary.errors
   print(string.format(
      '{"requests":%d,"bytes":%d,"us":%d,'
         .. '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}',
      summary.requests, summary.bytes, summary.duration,
      errors.connect, errors.read, errors.write, errors.status, errors.timeout
   ))
end
