metadata description = 'Every role that the control plane\'s identity needs, in one array. docs/roles.md says which call needs which.'

param principalId string
param storageName string
param vaultName string
param insightsName string

@description('Empty: no data account of this deployment\'s own.')
param dataAccountName string

var roles = [
  {
    on: 'storage'
    name: 'Storage Blob Data Owner'
    id: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  }
  {
    on: 'storage'
    name: 'Storage Queue Data Contributor'
    id: '974c5e8b-45b9-4653-ba55-860f90f22bb6'
  }
  {
    on: 'storage'
    name: 'Storage Table Data Contributor'
    id: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  }
  {
    on: 'vault'
    name: 'Key Vault Crypto Service Encryption User'
    id: 'e147488a-f6f5-4113-8e2d-b22465e65bf6'
  }
  {
    on: 'vault'
    name: 'Key Vault Secrets User'
    id: '4633458b-17de-408a-b874-0445c86b69e6'
  }
  {
    on: 'insights'
    name: 'Monitoring Metrics Publisher'
    id: '3913510d-42f4-4e42-8a64-420c390055eb'
  }
  {
    on: 'data'
    name: 'Storage Blob Data Contributor'
    id: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  }
  {
    on: 'data'
    name: 'Storage Blob Delegator'
    id: 'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'
  }
]

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource data 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: empty(dataAccountName) ? 'none' : dataAccountName
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in filter(roles, each => each.on == 'storage'): {
    name: guid(storage.id, principalId, role.id)
    scope: storage
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
    }
  }
]

resource onVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in filter(roles, each => each.on == 'vault'): {
    name: guid(vault.id, principalId, role.id)
    scope: vault
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
    }
  }
]

resource onInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in filter(roles, each => each.on == 'insights'): {
    name: guid(insights.id, principalId, role.id)
    scope: insights
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
    }
  }
]

resource onData 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in filter(roles, each => each.on == 'data' && !empty(dataAccountName)): {
    name: guid(data.id, principalId, role.id)
    scope: data
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
    }
  }
]
