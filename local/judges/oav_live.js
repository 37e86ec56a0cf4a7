// Microsoft's validator of live ARM traffic, offline.
//
//   node oav_live.js <folder of oav's package.json> <specs root> <traffic.jsonl>...
//
// A line of traffic is {"liveRequest": {method, url, headers, body, query}, "liveResponse": {statusCode, headers, body}}.
// Prints one JSON object per exchange, in order:
//   {"file", "operation", "method", "url", "status", "findings": [{"side", "code", "at", "message"}]}
// An exchange that no specification knows has "operation" null.
"use strict";

const fs = require("fs");
const path = require("path");

const UNKNOWN = "unknownOperationId";

async function initializedValidator(oav, root) {
  const { LiveValidator } = require(require.resolve("oav/dist/lib/liveValidation/liveValidator.js", { paths: [oav] }));
  const validator = new LiveValidator({
    fileRoot: path.join(root, "specification"),
    directory: root,
    git: { shouldClone: false },
    swaggerPathsPattern: ["**/resource-manager/**/stable/**/*.json"],
    excludedSwaggerPathsPattern: ["**/examples/**"],
    isArmCall: true,
    loadValidatorInBackground: false,
    loadValidatorInInitialize: true,
    useRelativeSourceLocationUrl: true,
  });
  await validator.initialize();
  return validator;
}

function findings(side, result) {
  const found = (result.errors || []).map((error) => ({
    side,
    code: error.code,
    at: [].concat(error.pathsInPayload || []).join(" "),
    message: String(error.message),
  }));
  const failure = result.runtimeException;
  return failure ? [...found, { side, code: failure.code, at: "", message: String(failure.message) }] : found;
}

async function main([oav, root, ...files]) {
  // Standard output is for the answers alone; the validator's logger writes there, too.
  const answer = process.stdout.write.bind(process.stdout);
  process.stdout.write = () => true;
  const validator = await initializedValidator(path.resolve(oav), path.resolve(root));
  for (const file of files) {
    for (const line of fs.readFileSync(file, "utf8").split("\n").filter(Boolean)) {
      const exchange = JSON.parse(line);
      const { method, url } = exchange.liveRequest;
      const status = exchange.liveResponse.statusCode;
      const verdict = await validator.validateLiveRequestResponse(exchange);
      const { requestValidationResult: request, responseValidationResult: response } = verdict;
      const known = (request.operationInfo || {}).operationId;
      const operation = known && known !== UNKNOWN ? known : null;
      const all = [...findings("request", request), ...findings("response", response)];
      answer(JSON.stringify({ file, operation, method, url, status, findings: all }) + "\n");
    }
  }
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.stack || error}\n`);
  process.exit(2);
});
