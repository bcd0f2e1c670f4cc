import type { Catalogue } from './catalogue.ts';

/** What Git servers and repositories on this machine can refuse. */
export const GIT_FAULTS = {
  'git-unreachable': [
    'The Git server cannot be reached.',
    'Check the URL, DNS and network; it is tried again by itself.',
  ],
  'git-credentials-refused': [
    'The Git server refused the credentials.',
    'Check user, token and its permission to read the repository.',
  ],
  'git-repository-not-found': [
    'The Git server has no such repository.',
    'Check the URL; some servers say this too when credentials are missing.',
  ],
  'git-branch-not-found': [
    'The repository has no such branch.',
    'Check the branch name; the message lists what the server has.',
  ],
  'git-not-a-git-server': [
    'The URL does not answer as a Git server (smart HTTP, protocol 2).',
    'Use the URL that `git clone` accepts over https.',
  ],
  'git-timeout': ['The Git server did not answer in time.', 'It is tried again by itself.'],
  'git-too-large': [
    'An answer of the Git server exceeds the limit.',
    'Raise the limit only if the repository is meant to be that large.',
  ],
  'git-object-missing': [
    'The Git server does not have an object that was asked for.',
    'The revision may have been removed by a force push.',
  ],
  'git-object-corrupt': [
    'An object does not have the hash it was asked by.',
    'The server or a proxy alters content: find out which.',
  ],
  'git-protocol': [
    'The Git server answered something that is not the protocol.',
    'See the message; a proxy in between is a frequent cause.',
  ],
  'git-history-limit': [
    'The history needed is longer than the limit.',
    'Raise the limit, or name a newer revision.',
  ],
  'git-store-failed': [
    'The local copy of the repository cannot be read or written.',
    'Check free space and permissions of the directory named; it holds nothing that cannot be fetched again.',
  ],
  'git-local-failed': [
    'A repository on this machine cannot be read: git is missing, or refuses.',
    'The message is Git’s own where there is one.',
  ],
  'revision-unknown': [
    'The repository on this machine has no such revision.',
    'Correct the name, or fetch it; a shallow clone has only the newest commits.',
  ],
  'history-rewritten': [
    'The branch was rewritten: its tip does not descend from the last one seen.',
    'What runs is kept. If the rewrite is meant, acknowledge the new tip in the configuration.',
  ],
} as const satisfies Catalogue;
