metadata description = 'The control plane: a Flex Consumption function app on Python 3.13, with sign-in of operators in front of it.'

param planName string
param appName string
param location string
param tags object

@description('The identity that the app acts as.')
param identityId string
param identityClientId string

@description('App settings: names that functions/settings.py reads, and those of the platform.')
param settings object
param packageUrl string

@description('Memory of an instance in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMb int

@description('Instances at most: what a flood of requests may cost.')
@minValue(1)
@maxValue(1000)
param maximumInstances int

@description('Instances for HTTP that are always there; 0: the first request after a pause waits for a start.')
@minValue(0)
param alwaysReadyInstances int

@description('Requests at once on one instance; the worker gets as many threads.')
@minValue(1)
@maxValue(1000)
param requestsPerInstance int

@description('Subnet delegated to Microsoft.App/environments; empty: no network of the app\'s own.')
param subnetId string

@description('Entra app registration of the operators (single tenant).')
param operatorsClientId string

@description('Thumbprint-bound certificate and name are set where a domain of one\'s own is used; empty: *.azurewebsites.net.')
param customDomain string
param certificateThumbprint string
param workspaceId string

// In preview, and so not in the published types: instances are replaced one after another, and none is cut off.
var rolling = {
  siteUpdateStrategy: {
    type: 'RollingUpdate'
  }
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: appName
  location: location
  tags: union(tags, { 'azd-service-name': 'control-plane' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    outboundVnetRouting: empty(subnetId)
      ? null
      : {
          applicationTraffic: true
          contentShareTraffic: true
          imagePullTraffic: true
        }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      remoteDebuggingEnabled: false
    }
    functionAppConfig: union(rolling, {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMb
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReadyInstances == 0
          ? []
          : [
              {
                name: 'http'
                instanceCount: alwaysReadyInstances
              }
            ]
        triggers: {
          http: {
            perInstanceConcurrency: requestsPerInstance
          }
        }
      }
    })
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(settings, {
      OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId
      PYTHON_THREADPOOL_THREAD_COUNT: string(requestsPerInstance)
    })
  }

  resource authentication 'config' = {
    name: 'authsettingsV2'
    dependsOn: [appSettings]
    properties: {
      platform: {
        enabled: true
        runtimeVersion: '~1'
      }
      // Agents bring a key of their own and customers a signed link: the app itself denies every other route.
      globalValidation: {
        requireAuthentication: false
        unauthenticatedClientAction: 'AllowAnonymous'
      }
      httpSettings: {
        requireHttps: true
      }
      identityProviders: {
        azureActiveDirectory: {
          enabled: true
          registration: {
            clientId: operatorsClientId
            openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
            // No secret: the app registration trusts the managed identity (scripts/register-apps).
            clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
          }
          validation: {
            allowedAudiences: [operatorsClientId, 'api://${operatorsClientId}']
            defaultAuthorizationPolicy: {
              allowedApplications: [operatorsClientId]
            }
          }
        }
      }
      login: {
        tokenStore: {
          enabled: false
        }
        preserveUrlFragmentsForLogins: true
      }
    }
  }

  resource noPasswordForFtp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: {
      allow: false
    }
  }

  resource noPasswordForDeployment 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: {
      allow: false
    }
  }

  resource ownName 'hostNameBindings' = if (!empty(customDomain)) {
    name: empty(customDomain) ? 'none' : customDomain
    properties: {
      hostNameType: 'Verified'
      customHostNameDnsRecordType: 'CName'
      sslState: empty(certificateThumbprint) ? 'Disabled' : 'SniEnabled'
      thumbprint: empty(certificateThumbprint) ? null : certificateThumbprint
    }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: app
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
      {
        category: 'AppServiceAuthenticationLogs'
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

output id string = app.id
output name string = app.name
output hostName string = app.properties.defaultHostName
