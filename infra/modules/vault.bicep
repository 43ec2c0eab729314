metadata description = 'The key that wraps customers\' sign-ins, and the secrets that the app is given by reference.'

@minLength(3)
@maxLength(24)
param name string
param location string
param tags object

@description('Only private endpoints and trusted services reach the vault.')
param privateOnly bool
param keyName string

@description('The wrapping key gets a new version after so long (ISO 8601); what was wrapped by older ones is wrapped anew by the app.')
param rotateAfter string
param workspaceId string

@description('The app\'s own secret: base64 of 32 or more random bytes. Codes, links and page marks are signed with it.')
@secure()
param secretKey string

@description('Client secret of the storage consent app registration; empty: no customer can be connected yet.')
@secure()
param consentClientSecret string

@description('Password of the mail server, where mail goes by SMTP.')
@secure()
param smtpPassword string

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateOnly ? 'Deny' : 'Allow'
    }
  }

  resource wrapping 'keys' = {
    name: keyName
    tags: tags
    properties: {
      kty: 'RSA'
      keySize: 3072
      keyOps: ['wrapKey', 'unwrapKey']
      attributes: {
        enabled: true
      }
      rotationPolicy: {
        lifetimeActions: [
          {
            trigger: {
              timeAfterCreate: rotateAfter
            }
            action: {
              type: 'rotate'
            }
          }
        ]
      }
    }
  }

  resource appSecret 'secrets' = {
    name: 'secret-key'
    tags: tags
    properties: {
      value: secretKey
      contentType: 'base64'
    }
  }

  resource consentSecret 'secrets' = if (!empty(consentClientSecret)) {
    name: 'consent-client-secret'
    tags: tags
    properties: {
      value: consentClientSecret
    }
  }

  resource smtp 'secrets' = if (!empty(smtpPassword)) {
    name: 'smtp-password'
    tags: tags
    properties: {
      value: smtpPassword
    }
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output id string = vault.id
output name string = vault.name
output uri string = vault.properties.vaultUri
output keyUri string = '${vault.properties.vaultUri}keys/${keyName}'
