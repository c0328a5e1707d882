"""How the state looks in GitHub's JSON. A `Views` knows the addresses that a client used, so that links work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulation.github_server.diffs import FileDiff
from simulation.github_server.git_store import Commit
from simulation.github_server.licenses import show_license
from simulation.github_server.state import (
    Account,
    Issue,
    IssueComment,
    Label,
    PullRequest,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    World,
    render_time,
)

Json = dict[str, Any]

USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
REPO_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


@dataclass(frozen=True, slots=True)
class Views:
    """`api`: the address of the API without a slash at the end; `html`: that of the site."""

    world: World
    api: str
    html: str = "https://github.com"

    def user(self, account: Account) -> Json:
        url = f"{self.api}/users/{account.login}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": f"U_{account.id}",
            "avatar_url": f"{self.html}/avatars/{account.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.html}/{account.login}",
            **{key: url + suffix for key, suffix in USER_LINKS.items()},
            "type": account.type,
            "site_admin": False,
        }

    def private_user(self, account: Account) -> Json:
        """What GET /user shows of oneself."""
        now = render_time(0)
        counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
        unknown = dict.fromkeys(("name", "company", "location", "email", "hireable", "bio"))
        return {**self.user(account), **counts, **unknown, "blog": "", "created_at": now, "updated_at": now}

    def repository(self, repository: Repository, *, full: bool = False) -> Json:
        url = f"{self.api}/repos/{repository.full_name}"
        html = f"{self.html}/{repository.full_name}"
        opened = sum(pull.state == "open" for pull in repository.pulls.values())
        flags = {"issues": True, "projects": False, "downloads": True, "wiki": False, "pages": False}
        shown: Json = {
            "id": repository.id,
            "node_id": f"R_{repository.id}",
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "owner": self.user(repository.owner),
            "html_url": html,
            "description": None,
            "fork": repository.parent is not None,
            "url": url,
            **{key: url + suffix for key, suffix in REPO_LINKS.items()},
            "git_url": f"git:{html.split(':', 1)[1]}.git",
            "ssh_url": f"git@github.com:{repository.full_name}.git",
            "clone_url": f"{html}.git",
            "svn_url": html,
            "homepage": None,
            "language": repository.language,
            "mirror_url": None,
            "license": show_license(repository.license, self.api),
            "archived": False,
            "disabled": False,
            "is_template": False,
            "web_commit_signoff_required": False,
            "topics": [],
            "visibility": "private" if repository.private else "public",
            **{f"has_{name}": value for name, value in flags.items()},
            "has_discussions": False,
            **dict.fromkeys(("forks", "forks_count", "stargazers_count", "watchers", "watchers_count", "size"), 0),
            "open_issues": opened,
            "open_issues_count": opened,
            "default_branch": repository.default_branch,
            **dict.fromkeys(("created_at", "updated_at", "pushed_at"), render_time(repository.created)),
        }
        return {**shown, "network_count": 0, "subscribers_count": 0} if full else shown

    def side(self, repository: Repository | None, branch: str, sha: str, owner: Account) -> Json:
        """The `base` or `head` of a pull request. No repository: the fork has been deleted."""
        return {
            "label": f"{owner.login}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self.user(owner),
            "repo": self.repository(repository) if repository else None,
        }

    def pull(self, repository: Repository, pull: PullRequest, *, full: bool = True) -> Json:
        url = f"{self.api}/repos/{repository.full_name}/pulls/{pull.number}"
        issue = f"{self.api}/repos/{repository.full_name}/issues/{pull.number}"
        html = f"{self.html}/{repository.full_name}/pull/{pull.number}"
        statuses = f"{self.api}/repos/{repository.full_name}/statuses/{pull.head_sha}"
        links = {
            "self": url,
            "html": html,
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{self.api}/repos/{repository.full_name}/pulls/comments{{/number}}",
            "commits": f"{url}/commits",
            "statuses": statuses,
        }
        head_owner = pull.head_repo.owner if pull.head_repo else pull.author
        shown = {
            "url": url,
            "id": pull.id,
            "node_id": f"PR_{pull.id}",
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "issue_url": issue,
            "number": pull.number,
            "state": pull.state,
            "locked": False,
            "title": pull.title,
            "user": self.user(pull.author),
            "body": pull.body,
            "created_at": render_time(pull.created),
            "updated_at": render_time(pull.updated),
            "closed_at": render_time(pull.closed),
            "merged_at": render_time(pull.closed) if pull.merged else None,
            "merge_commit_sha": pull.merge_sha,
            "assignee": None,
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "labels": [self.label(repository, label) for label in pull.labels],
            "milestone": None,
            "draft": pull.draft,
            "commits_url": links["commits"],
            "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"],
            "comments_url": links["comments"],
            "statuses_url": statuses,
            "head": self.side(pull.head_repo, pull.head, pull.head_sha, head_owner),
            "base": self.side(repository, pull.base, pull.base_sha, repository.owner),
            "_links": {name: {"href": link} for name, link in links.items()},
            "author_association": pull.association,
            "auto_merge": None,
            "active_lock_reason": None,
        }
        return {**shown, **self.pull_counts(repository, pull)} if full else shown

    def pull_counts(self, repository: Repository, pull: PullRequest) -> Json:
        """What GitHub shows of one pull request but not in a list."""
        files = repository.files_of(pull)
        return {
            "merged": pull.merged,
            "mergeable": None if pull.merged else True,
            "rebaseable": None if pull.merged else True,
            "mergeable_state": "unknown" if pull.merged else "clean",
            "merged_by": self.user(pull.merged_by) if pull.merged_by else None,
            "comments": len(pull.comments),
            "review_comments": len(pull.review_comments),
            "maintainer_can_modify": pull.head_repo is not None and pull.head_repo.parent is not None,
            "commits": len(repository.store.commits_between(pull.base_sha, pull.head_sha)),
            "additions": sum(file.additions for file in files),
            "deletions": sum(file.deletions for file in files),
            "changed_files": len(files),
        }

    def issue(self, repository: Repository, issue: PullRequest | Issue) -> Json:
        """An issue, or a pull request seen as one."""
        base = f"{self.api}/repos/{repository.full_name}"
        url = f"{base}/issues/{issue.number}"
        kind = "pull" if isinstance(issue, PullRequest) else "issues"
        html = f"{self.html}/{repository.full_name}/{kind}/{issue.number}"
        shown = {
            "url": url,
            "repository_url": base,
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": html,
            "id": issue.id,
            "node_id": f"{'PR' if kind == 'pull' else 'I'}_{issue.id}",
            "number": issue.number,
            "title": issue.title,
            "user": self.user(issue.author),
            "labels": [self.label(repository, label) for label in issue.labels],
            "state": issue.state,
            "locked": False,
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "comments": len(issue.comments),
            "created_at": render_time(issue.created),
            "updated_at": render_time(issue.updated),
            "closed_at": render_time(issue.closed),
            "author_association": issue.association,
            "active_lock_reason": None,
            "body": issue.body,
            "reactions": self.reactions(f"{url}/reactions", issue.reactions),
            "timeline_url": f"{url}/timeline",
            "performed_via_github_app": None,
        }
        if isinstance(issue, Issue):
            return {**shown, "state_reason": issue.reason}
        links = {"html_url": html, "diff_url": f"{html}.diff", "patch_url": f"{html}.patch"}
        merged = {"merged_at": render_time(issue.closed) if issue.merged else None}
        pull = {"url": f"{base}/pulls/{issue.number}", **links, **merged}
        return {**shown, "draft": issue.draft, "pull_request": pull, "state_reason": None}

    def label(self, repository: Repository, label: Label) -> Json:
        return {
            "id": label.id,
            "node_id": f"LA_{label.id}",
            "url": f"{self.api}/repos/{repository.full_name}/labels/{label.name}",
            "name": label.name,
            "description": None,
            "color": label.color,
            "default": False,
        }

    def reactions(self, url: str, reactions: list[Reaction]) -> Json:
        counts = {name: sum(one.content == name for one in reactions) for name in REACTIONS}
        return {"url": url, "total_count": len(reactions), **counts}

    def reaction(self, reaction: Reaction) -> Json:
        return {
            "id": reaction.id,
            "node_id": f"REA_{reaction.id}",
            "user": self.user(reaction.account),
            "content": reaction.content,
            "created_at": render_time(reaction.created),
        }

    def issue_comment(self, repository: Repository, comment: IssueComment) -> Json:
        base = f"{self.api}/repos/{repository.full_name}"
        url = f"{base}/issues/comments/{comment.id}"
        kind = "issues" if comment.number in repository.issues else "pull"
        return {
            "url": url,
            "html_url": f"{self.html}/{repository.full_name}/{kind}/{comment.number}#issuecomment-{comment.id}",
            "issue_url": f"{base}/issues/{comment.number}",
            "id": comment.id,
            "node_id": f"IC_{comment.id}",
            "user": self.user(comment.account),
            "created_at": render_time(comment.created),
            "updated_at": render_time(comment.updated),
            "author_association": comment.association,
            "body": comment.body,
            "reactions": self.reactions(f"{url}/reactions", comment.reactions),
            "performed_via_github_app": None,
        }

    def review(self, repository: Repository, review: Review) -> Json:
        pull_url = f"{self.api}/repos/{repository.full_name}/pulls/{review.number}"
        html = f"{self.html}/{repository.full_name}/pull/{review.number}#pullrequestreview-{review.id}"
        shown = {
            "id": review.id,
            "node_id": f"PRR_{review.id}",
            "user": self.user(review.account),
            "body": review.body,
            "state": review.state,
            "html_url": html,
            "pull_request_url": pull_url,
            "author_association": review.association,
            "_links": {"html": {"href": html}, "pull_request": {"href": pull_url}},
            "commit_id": review.commit_id,
        }
        return shown if review.submitted is None else {**shown, "submitted_at": render_time(review.submitted)}

    def review_comment(self, repository: Repository, comment: ReviewComment) -> Json:
        base = f"{self.api}/repos/{repository.full_name}"
        url = f"{base}/pulls/comments/{comment.id}"
        pull_url = f"{base}/pulls/{comment.number}"
        html = f"{self.html}/{repository.full_name}/pull/{comment.number}#discussion_r{comment.id}"
        links = {"self": url, "html": html, "pull_request": pull_url}
        shown = {
            "url": url,
            "pull_request_review_id": comment.review_id,
            "id": comment.id,
            "node_id": f"PRRC_{comment.id}",
            "diff_hunk": comment.diff_hunk,
            "path": comment.path,
            "position": 1 if comment.subject == "file" else comment.now.position,
            "original_position": 1 if comment.subject == "file" else comment.original.position,
            "commit_id": comment.commit_id,
            "original_commit_id": comment.original_commit_id,
            "user": self.user(comment.account),
            "body": comment.body,
            "created_at": render_time(comment.created),
            "updated_at": render_time(comment.updated),
            "html_url": html,
            "pull_request_url": pull_url,
            "author_association": comment.association,
            "_links": {name: {"href": link} for name, link in links.items()},
            "reactions": self.reactions(f"{url}/reactions", comment.reactions),
            "start_line": comment.now.start_line,
            "original_start_line": comment.original.start_line,
            "start_side": comment.now.start_side,
            "line": comment.now.line,
            "original_line": comment.original.line,
            "side": comment.now.side or "RIGHT",
            "subject_type": comment.subject,
        }
        return shown if comment.in_reply_to is None else {**shown, "in_reply_to_id": comment.in_reply_to}

    def review_comment_of_review(self, repository: Repository, comment: ReviewComment) -> Json:
        """The older form, in which a review lists its comments: there is no current line in it."""
        shown = self.review_comment(repository, comment)
        left_out = () if comment.subject == "line" else ("line", "start_line", "start_side")
        return {key: value for key, value in shown.items() if key not in left_out}

    def file(self, repository: Repository, head: str, file: FileDiff, patch_changes: int) -> Json:
        html = f"{self.html}/{repository.full_name}"
        changes = file.additions + file.deletions
        shown = {
            "sha": file.sha,
            "filename": file.path,
            "status": file.status,
            "additions": file.additions,
            "deletions": file.deletions,
            "changes": changes,
            "blob_url": f"{html}/blob/{head}/{file.path}",
            "raw_url": f"{html}/raw/{head}/{file.path}",
            "contents_url": f"{self.api}/repos/{repository.full_name}/contents/{file.path}?ref={head}",
        }
        if file.patch is not None and changes <= patch_changes:
            shown["patch"] = file.patch.decode("utf-8", "replace")
        if file.previous:
            shown["previous_filename"] = file.previous
        return shown

    def commit(self, repository: Repository, commit: Commit) -> Json:
        base = f"{self.api}/repos/{repository.full_name}"
        html = f"{self.html}/{repository.full_name}/commit"
        person = {"name": commit.author, "email": commit.email, "date": render_time(commit.date)}
        account = self.world.accounts.get(commit.author)
        user = self.user(account) if account else None
        return {
            "sha": commit.sha,
            "node_id": f"C_{commit.sha}",
            "commit": {
                "author": person,
                "committer": person,
                "message": commit.message,
                "tree": {"sha": commit.tree, "url": f"{base}/git/trees/{commit.tree}"},
                "url": f"{base}/git/commits/{commit.sha}",
                "comment_count": 0,
                "verification": {
                    "verified": False,
                    "reason": "unsigned",
                    "signature": None,
                    "payload": None,
                    "verified_at": None,
                },
            },
            "url": f"{base}/commits/{commit.sha}",
            "html_url": f"{html}/{commit.sha}",
            "comments_url": f"{base}/commits/{commit.sha}/comments",
            "author": user,
            "committer": user,
            "parents": [
                {"sha": parent, "url": f"{base}/commits/{parent}", "html_url": f"{html}/{parent}"}
                for parent in commit.parents
            ],
        }
