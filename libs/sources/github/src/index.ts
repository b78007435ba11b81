export { type GitHubSources, type GitHubSourcesOptions, startGitHubSources } from './start-github-sources.ts'
