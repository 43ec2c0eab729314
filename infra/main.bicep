metadata description = 'OneMigrate\'s control plane in one resource group. This file only puts the modules together.'

targetScope = 'resourceGroup'

@description('Short name of this deployment, in every resource name: prod, test.')
@minLength(2)
@maxLength(8)
param environmentName string
param location string = resourceGroup().location
param tags object = {}

@description('Short name of the organization: small letters, digits and hyphens. It is in every row and key, and cannot be changed.')
@minLength(2)
@maxLength(32)
param organization string
param organizationName string

@description('The first Admin, who adds the others: object id of a person in this tenant.')
param firstAdminObjectId string

@description('Entra app registration of the operators (scripts/register-apps prints both).')
param operatorsClientId string

@description('Entra app registration of customers\' storage consent; empty: customers cannot be connected yet.')
param consentClientId string = ''

@secure()
param consentClientSecret string = ''

@description('The day on which that secret ends, YYYY-MM-DD: operators are warned before.')
param consentSecretExpiresOn string = ''

@description('base64 of 32 random bytes: openssl rand -base64 32. Keep it: another one ends every link and code.')
@secure()
param secretKey string

@description('Address that agents and people use; empty: the app\'s own azurewebsites.net name.')
param publicUrl string = ''
param supportUrl string = ''
param supportEmail string = ''

@description('Who is told of alerts, by Azure and by the app.')
param operatorMail array = []

@description('acs: Azure Communication Services; smtp: your own mail server; none.')
@allowed(['acs', 'smtp', 'none'])
param mail string = 'acs'
param mailDataLocation string = 'Europe'
param mailDomain string = ''
param mailDomainVerified bool = false
param mailSenderName string = 'onemigrate'
param smtp smtpServer = {
  host: ''
  port: 587
  security: 'starttls'
  user: ''
  sender: ''
}

@secure()
param smtpPassword string = ''

@description('Mails a minute and an hour that the mail service takes (30 and 100 on a domain of your own, 5 and 10 on an Azure-managed one).')
param mailPerMinute int = empty(mailDomain) ? 5 : 30
param mailPerHour int = empty(mailDomain) ? 10 : 100

@description('A network of the app\'s own: one fixed outbound address, and private endpoints to storage and vault.')
param ownNetwork bool = false
param addressSpace string = '10.60.0.0/24'
param privateDnsZones object = {
  blob: ''
  queue: ''
  table: ''
  vault: ''
}

@description('A storage account of this deployment that projects may copy into, beside customers\' own.')
param dataAccount bool = false

@description('Domains of storage accounts that customers may connect, of the Azure clouds that this deployment serves.')
param storageSuffixes array = split(environment().suffixes.storage, ',')

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_ZRS'
param instanceMemoryMb int = 2048
param maximumInstances int = 40
param alwaysReadyInstances int = 0
param requestsPerInstance int = 16
param customDomain string = ''
param certificateThumbprint string = ''
param logRetentionDays int = 90
param logDailyQuotaGb int = 5

type smtpServer = {
  host: string
  port: int
  security: 'starttls' | 'tls'
  user: string
  sender: string
}

var token = uniqueString(resourceGroup().id, environmentName)
var prefix = 'onemigrate-${environmentName}'
var allTags = union(tags, { 'azd-env-name': environmentName, workload: 'onemigrate' })
var appName = 'func-${prefix}-${token}'
var names = {
  vault: take('kv-om${environmentName}-${token}', 24)
  storage: take('stom${environmentName}${token}', 24)
  data: take('stdata${environmentName}${token}', 24)
}
var queues = ['dispatch', 'mail-events']
var usesAcs = mail == 'acs'
var usesSmtp = mail == 'smtp'

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    name: 'id-${prefix}'
    location: location
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    workspaceName: 'log-${prefix}'
    insightsName: 'appi-${prefix}'
    location: location
    tags: allTags
    retentionDays: logRetentionDays
    dailyQuotaGb: logDailyQuotaGb
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: names.storage
    location: location
    tags: allTags
    sku: storageSku
    privateOnly: ownNetwork
    queues: queues
    packageContainer: 'app-package'
    deleteRetentionDays: 30
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: names.vault
    location: location
    tags: allTags
    privateOnly: ownNetwork
    keyName: 'wrapping'
    rotateAfter: 'P180D'
    workspaceId: monitoring.outputs.workspaceId
    secretKey: secretKey
    consentClientSecret: consentClientSecret
    smtpPassword: smtpPassword
  }
}

module data 'modules/data.bicep' = if (dataAccount) {
  name: 'data'
  params: {
    name: names.data
    location: location
    tags: allTags
    sku: storageSku
    deleteRetentionDays: 30
    workspaceId: monitoring.outputs.workspaceId
  }
}

module mailService 'modules/mail.bicep' = if (usesAcs) {
  name: 'mail'
  dependsOn: [roles]
  params: {
    serviceName: 'acs-${prefix}-${token}'
    emailName: 'acse-${prefix}-${token}'
    topicName: 'evgt-${prefix}'
    tags: allTags
    dataLocation: mailDataLocation
    domain: mailDomain
    domainVerified: mailDomainVerified
    senderName: mailSenderName
    storageId: storage.outputs.id
    queueName: 'mail-events'
    identityId: identity.outputs.id
    workspaceId: monitoring.outputs.workspaceId
  }
}

module network 'modules/network.bicep' = if (ownNetwork) {
  name: 'network'
  params: {
    prefix: prefix
    location: location
    tags: allTags
    addressSpace: addressSpace
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
    privateDnsZones: privateDnsZones
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  params: {
    principalId: identity.outputs.principalId
    storageName: storage.outputs.name
    vaultName: vault.outputs.name
    insightsName: monitoring.outputs.insightsName
    dataAccountName: dataAccount ? names.data : ''
  }
}

module mailRole 'modules/mail-role.bicep' = if (usesAcs) {
  name: 'mail-role'
  params: {
    principalId: identity.outputs.principalId
    mailServiceName: mailService.outputs.serviceName
  }
}

module settings 'modules/settings.bicep' = {
  name: 'settings'
  params: {
    organization: organization
    organizationName: organizationName
    firstAdmin: '${tenant().tenantId}/${firstAdminObjectId}'
    operatorsClientId: operatorsClientId
    publicUrl: empty(publicUrl) ? 'https://${empty(customDomain) ? '${appName}.azurewebsites.net' : customDomain}' : publicUrl
    supportUrl: supportUrl
    supportEmail: supportEmail
    operatorMail: operatorMail
    identityClientId: identity.outputs.clientId
    vaultUri: vault.outputs.uri
    wrappingKeyUri: vault.outputs.keyUri
    consentClientId: consentClientId
    consentSecretExpiresOn: consentSecretExpiresOn
    storageSuffixes: storageSuffixes
    outboundAddress: ownNetwork ? network.outputs.outboundAddress : ''
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    dataBlobEndpoint: dataAccount ? data.outputs.blobEndpoint : ''
    mailEndpoint: usesAcs ? mailService.outputs.endpoint : ''
    mailSender: usesAcs ? mailService.outputs.sender : smtp.sender
    mailPerMinute: mailPerMinute
    mailPerHour: mailPerHour
    smtp: usesSmtp ? smtp : { host: '', port: 587, security: 'starttls', user: '', sender: '' }
    insightsConnectionString: monitoring.outputs.connectionString
  }
}

module app 'modules/functionapp.bicep' = {
  name: 'app'
  dependsOn: [roles]
  params: {
    planName: 'plan-${prefix}'
    appName: appName
    location: location
    tags: allTags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    settings: settings.outputs.values
    packageUrl: storage.outputs.packageUrl
    instanceMemoryMb: instanceMemoryMb
    maximumInstances: maximumInstances
    alwaysReadyInstances: alwaysReadyInstances
    requestsPerInstance: requestsPerInstance
    subnetId: ownNetwork ? network.outputs.appSubnetId : ''
    operatorsClientId: operatorsClientId
    customDomain: customDomain
    certificateThumbprint: certificateThumbprint
    workspaceId: monitoring.outputs.workspaceId
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    prefix: prefix
    location: location
    tags: allTags
    insightsId: monitoring.outputs.insightsId
    mailAddresses: operatorMail
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    location: location
    tags: allTags
    insightsId: monitoring.outputs.insightsId
  }
}

output appName string = app.outputs.name
output appUrl string = 'https://${app.outputs.hostName}'
output identityPrincipalId string = identity.outputs.principalId
output outboundAddress string = ownNetwork ? network.outputs.outboundAddress : ''
@description('DNS records that the mail domain needs; set them, verify, and deploy again with mailDomainVerified=true.')
output mailDnsRecords object = usesAcs ? mailService.outputs.dnsRecords : {}
