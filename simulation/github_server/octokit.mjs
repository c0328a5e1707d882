// Drive the stand-in with GitHub's own JavaScript client. Prints what it saw as JSON.
// Usage: node octokit.mjs API_URL TOKEN; @octokit/rest must be installed where this file is.
import { Octokit } from "@octokit/rest";

const [baseUrl, auth] = process.argv.slice(2);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const octokit = new Octokit({ baseUrl, auth, log: quiet });
const repo = { owner: "octo", repo: "demo" };
const pull = { ...repo, pull_number: 1 };
const issue = { ...repo, issue_number: 1 };
const seen = {};

seen.title = (await octokit.rest.pulls.get(pull)).data.title;
seen.diff = (await octokit.rest.pulls.get({ ...pull, mediaType: { format: "diff" } })).data;
seen.files = (await octokit.paginate(octokit.rest.pulls.listFiles, { ...pull, per_page: 2 })).map((f) => f.filename);

const comment = { path: "app.py", line: 2, side: "RIGHT", body: "Why?" };
const review = await octokit.rest.pulls.createReview({ ...pull, event: "COMMENT", body: "Read.", comments: [comment] });
seen.review = review.data.state;
try {
  await octokit.rest.pulls.createReview({ ...pull, event: "COMMENT", comments: [{ ...comment, line: 99 }] });
} catch (error) {
  seen.refused = [error.status, error.response.data.errors];
}
const comments = await octokit.paginate(octokit.rest.pulls.listReviewComments, pull);
seen.comments = comments.map((c) => [c.path, c.line, c.user.login]);

const said = await octokit.rest.issues.createComment({ ...issue, body: "Summary" });
await octokit.rest.issues.updateComment({ ...repo, comment_id: said.data.id, body: "Summary 2" });
await octokit.rest.reactions.createForIssueComment({ ...repo, comment_id: said.data.id, content: "eyes" });
seen.said = (await octokit.rest.issues.listComments(issue)).data.map((c) => [c.body, c.reactions.eyes]);

const tree = await octokit.rest.git.getTree({ ...repo, tree_sha: "main", recursive: "1" });
seen.tree = tree.data.tree.map((entry) => entry.path);
const content = await octokit.rest.repos.getContent({ ...repo, path: "app.py", ref: "main" });
seen.content = Buffer.from(content.data.content, "base64").toString();
seen.permission = (await octokit.rest.repos.getCollaboratorPermissionLevel({ ...repo, username: "octo" })).data.permission;

const threads = `{ repository(owner: "octo", name: "demo") { pullRequest(number: 1) {
  reviewThreads(first: 5) { nodes { id isResolved } } } } }`;
const [thread] = (await octokit.graphql(threads)).repository.pullRequest.reviewThreads.nodes;
const resolve = `mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }`;
seen.resolved = (await octokit.graphql(resolve, { id: thread.id })).resolveReviewThread.thread.isResolved;

console.log(JSON.stringify(seen));
