// What differs in production. Values in <> are yours; secrets come from the environment of whoever deploys, never from here.
using 'main.bicep'

param environmentName = 'prod'
param organization = readEnvironmentVariable('ONEMIGRATE_ORGANIZATION', '<short-name>')
param organizationName = readEnvironmentVariable('ONEMIGRATE_ORGANIZATION_NAME', '<Name of your organization>')
param firstAdminObjectId = readEnvironmentVariable('ONEMIGRATE_FIRST_ADMIN_OBJECT_ID', '')
param operatorsClientId = readEnvironmentVariable('ONEMIGRATE_OPERATORS_CLIENT_ID', '')
param consentClientId = readEnvironmentVariable('ONEMIGRATE_CONSENT_CLIENT_ID', '')
param consentClientSecret = readEnvironmentVariable('ONEMIGRATE_CONSENT_CLIENT_SECRET', '')
param consentSecretExpiresOn = readEnvironmentVariable('ONEMIGRATE_CONSENT_SECRET_EXPIRES_ON', '')
param secretKey = readEnvironmentVariable('ONEMIGRATE_SECRET_KEY', '')
param operatorMail = split(readEnvironmentVariable('ONEMIGRATE_OPERATOR_MAIL', 'operators@example.org'), ',')
param mail = 'acs'
param mailDomain = readEnvironmentVariable('ONEMIGRATE_MAIL_DOMAIN', '')
param mailDomainVerified = bool(readEnvironmentVariable('ONEMIGRATE_MAIL_DOMAIN_VERIFIED', 'false'))
param ownNetwork = true
param storageSku = 'Standard_GZRS'
param alwaysReadyInstances = 1
