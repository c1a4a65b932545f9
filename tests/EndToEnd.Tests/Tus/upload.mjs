// Uploads a file with tus-js-client as its argument says and tells on standard output what happens, a line of JSON each.
//   node upload.mjs '{"endpoint":"...","apiKey":"...","file":"...","storage":"...","chunkSize":1048576,"parallel":1,"pauseAfter":3}'
// pauseAfter: abort after so many chunks and begin anew from the stored address, as after a restart of the client.
import { createReadStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import * as tus from 'tus-js-client';

const asked = JSON.parse(process.argv[2]);
const say = (event, more) => console.log(JSON.stringify({ event, ...more }));
let video = null;
let chunks = 0;

function upload(onChunk) {
  let one;
  const done = new Promise((resolve, reject) => {
    one = new tus.Upload(createReadStream(asked.file), {
      endpoint: asked.endpoint,
      headers: { 'X-API-Key': asked.apiKey },
      metadata: { filename: basename(asked.file), filetype: 'video/mp4' },
      uploadSize: asked.parallel > 1 ? undefined : statSync(asked.file).size, // it refuses the option where it takes the size of each piece itself
      chunkSize: asked.chunkSize,
      parallelUploads: asked.parallel,
      uploadDataDuringCreation: asked.dataDuringCreation === true,
      urlStorage: new tus.FileUrlStorage(asked.storage),
      removeFingerprintOnSuccess: true,
      retryDelays: [0, 500, 1000, 2000, 3000, 5000, 5000, 5000],
      onAfterResponse: (request, response) => { video = response.getHeader('X-Video-Id') ?? video; },
      onShouldRetry: (error) => { say('retry', { reason: error.message.split(', response')[0] }); return true; },
      onChunkComplete: (size, accepted) => { say('chunk', { number: ++chunks, accepted }); onChunk?.(); },
      onError: reject,
      onSuccess: () => resolve(one),
    });
  });
  return { one, done };
}

let running = upload(() => {
  if (chunks === asked.pauseAfter) {
    running.one.abort().then(() => resumed.resolve());
  }
});
const resumed = Promise.withResolvers?.() ?? (() => { let resolve; const promise = new Promise((r) => { resolve = r; }); return { promise, resolve }; })();
running.one.start();
if (asked.pauseAfter) {
  await resumed.promise;
  const before = running.one.url;
  running = upload();
  const previous = await running.one.findPreviousUploads();
  say('resuming', { found: previous.length, sameAddress: previous[0]?.uploadUrl === before });
  running.one.resumeFromPreviousUpload(previous[0]);
  running.one.start();
}

await running.done;
say('done', { url: running.one.url, video, chunks });
