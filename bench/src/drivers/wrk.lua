-- Sends a form, if one is given, or asks for the paths that are given, in turn. Prints what
-- was measured exactly.

function init(args)
   if args[1] == "form" then
      wrk.method = "POST"
      wrk.body = args[2]
      wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
   elseif args[1] == "paths" then
      local requests, last = {}, 0
      for number = 2, #args do
         requests[number - 1] = wrk.format(nil, args[number])
      end
      function request()
         last = last % #requests + 1
         return requests[last]
      end
   end
end

function done(summary)
   local errors = summary.errors
   print(string.format(
      '{"requests":%d,"bytes":%d,"seconds":%.6f,"errors":'
         .. '{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}',
      summary.requests, summary.bytes, summary.duration / 1e6,
      errors.connect, errors.read, errors.write, errors.status, errors.timeout
   ))
end
