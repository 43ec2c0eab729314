metadata description = 'The app settings: each name that functions/settings.py reads in Azure is set here, and nothing else of that prefix.'

param organization string
param organizationName string
param firstAdmin string
param operatorsClientId string
param publicUrl string
param supportUrl string
param supportEmail string
param operatorMail array
param identityClientId string
param vaultUri string
param wrappingKeyUri string
param consentClientId string
param consentSecretExpiresOn string
param storageSuffixes array
param outboundAddress string
param blobEndpoint string
param queueEndpoint string
param tableEndpoint string
param dataBlobEndpoint string
param mailEndpoint string
param mailSender string
param mailPerMinute int
param mailPerHour int
param smtp object
param insightsConnectionString string

// Without its slash at the end, as the app wants addresses.
func bare(url string) string => endsWith(url, '/') ? substring(url, 0, length(url) - 1) : url
func secret(vault string, name string) string => '@Microsoft.KeyVault(SecretUri=${vault}secrets/${name})'

var always = {
  AzureWebJobsStorage__blobServiceUri: bare(blobEndpoint)
  AzureWebJobsStorage__queueServiceUri: bare(queueEndpoint)
  AzureWebJobsStorage__tableServiceUri: bare(tableEndpoint)
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  ONEMIGRATE_STORAGE__blobServiceUri: bare(blobEndpoint)
  ONEMIGRATE_STORAGE__queueServiceUri: bare(queueEndpoint)
  ONEMIGRATE_STORAGE__tableServiceUri: bare(tableEndpoint)
  ONEMIGRATE_STORAGE__credential: 'managedidentity'
  ONEMIGRATE_STORAGE__clientId: identityClientId
  ONEMIGRATE_ORGANIZATION: organization
  ONEMIGRATE_ORGANIZATION_NAME: organizationName
  ONEMIGRATE_FIRST_ADMIN: firstAdmin
  ONEMIGRATE_TENANT_ID: tenant().tenantId
  ONEMIGRATE_CLIENT_ID: operatorsClientId
  ONEMIGRATE_SECRET_KEY: secret(vaultUri, 'secret-key')
  ONEMIGRATE_PUBLIC_URL: publicUrl
  ONEMIGRATE_SUPPORT_URL: supportUrl
  ONEMIGRATE_SUPPORT_EMAIL: supportEmail
  ONEMIGRATE_OPERATOR_MAIL: join(operatorMail, ',')
  ONEMIGRATE_SWEEP_SCHEDULE: '*/30 * * * * *'
  ONEMIGRATE_TOKEN_REFRESH_SCHEDULE: '0 7 * * * *'
  ONEMIGRATE_AUTHORITY: bare(environment().authentication.loginEndpoint)
  ONEMIGRATE_STORAGE_SUFFIXES: join(map(storageSuffixes, suffix => startsWith(suffix, 'blob.') ? suffix : 'blob.${suffix}'), ',')
  ONEMIGRATE_OUTBOUND_ADDRESSES: outboundAddress
  ONEMIGRATE_KEY_VAULT_KEY: wrappingKeyUri
  ONEMIGRATE_KEY_VAULT_CLIENT_ID: identityClientId
  ONEMIGRATE_MAIL_PER_MINUTE: string(mailPerMinute)
  ONEMIGRATE_MAIL_PER_HOUR: string(mailPerHour)
}

var consent = empty(consentClientId)
  ? {}
  : {
      ONEMIGRATE_CONSENT_CLIENT_ID: consentClientId
      ONEMIGRATE_CONSENT_CLIENT_SECRET: secret(vaultUri, 'consent-client-secret')
      ONEMIGRATE_CONSENT_SECRET_EXPIRES_ON: consentSecretExpiresOn
    }

var data = empty(dataBlobEndpoint)
  ? {}
  : {
      ONEMIGRATE_DATA_STORAGE__blobServiceUri: bare(dataBlobEndpoint)
      ONEMIGRATE_DATA_STORAGE__clientId: identityClientId
    }

var acs = empty(mailEndpoint)
  ? {}
  : {
      ONEMIGRATE_MAIL_ENDPOINT: mailEndpoint
      ONEMIGRATE_MAIL_CLIENT_ID: identityClientId
      ONEMIGRATE_MAIL_SENDER: mailSender
    }

var server = empty(smtp.host)
  ? {}
  : {
      ONEMIGRATE_MAIL_SENDER: mailSender
      ONEMIGRATE_SMTP_HOST: smtp.host
      ONEMIGRATE_SMTP_PORT: string(smtp.port)
      ONEMIGRATE_SMTP_SECURITY: smtp.security
      ONEMIGRATE_SMTP_USER: smtp.user
      ONEMIGRATE_SMTP_PASSWORD: empty(smtp.user) ? '' : secret(vaultUri, 'smtp-password')
    }

output values object = union(always, consent, data, acs, server)
