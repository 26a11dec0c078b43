// Written by dashdeploy from dashdeploy.yaml. Refresh it with: dashdeploy render
// It is yours: edits by hand are noticed and never overwritten silently.
// inputs: 2ec9672b39b7b7c9 body: 9c4c187058e68339
//
// The parameters of the template beside it, read from the shell's variables when it is deployed:
//   az deployment group create --resource-group reading-list-azure --parameters deploy/azure/main.bicepparam
// A variable without a second value has to be set.

using './main.bicep'

param apiImage = readEnvironmentVariable('API_IMAGE', 'ghcr.io/acme/reading-list-api:latest')

param api_ADMIN_TOKEN = readEnvironmentVariable('ADMIN_TOKEN')

param registryUser = readEnvironmentVariable('REGISTRY_USER', '')

param registryPassword = readEnvironmentVariable('REGISTRY_PASSWORD', '')
