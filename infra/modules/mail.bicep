metadata description = 'Mail through Azure Communication Services, and its delivery reports as messages on a queue.'

param serviceName string
param emailName string
param topicName string
param tags object

@description('Where mail data is kept at rest, for example Europe or United States.')
param dataLocation string

@description('A domain of your own, for example mail.example.org; empty: an Azure-managed one (10 mails an hour, for trials only).')
param domain string

@description('The part before the @ of the sender.')
param senderName string
param storageId string
param queueName string

@description('The identity that puts delivery reports on the queue.')
param identityId string
param workspaceId string

var ownDomain = !empty(domain)

resource email 'Microsoft.Communication/emailServices@2023-04-01' = {
  name: emailName
  location: 'global'
  tags: tags
  properties: {
    dataLocation: dataLocation
  }

  resource sendingDomain 'domains' = {
    name: ownDomain ? domain : 'AzureManagedDomain'
    location: 'global'
    tags: tags
    properties: {
      domainManagement: ownDomain ? 'CustomerManaged' : 'AzureManaged'
      userEngagementTracking: 'Disabled'
    }

    resource sender 'senderUsernames' = if (ownDomain) {
      name: senderName
      properties: {
        username: senderName
        displayName: 'OneMigrate'
      }
    }
  }
}

// A domain of one's own can be linked only when its DNS records are verified: that is the second deployment's work.
@description('The DNS records of the domain are set and verified.')
param domainVerified bool

resource service 'Microsoft.Communication/communicationServices@2023-04-01' = {
  name: serviceName
  location: 'global'
  tags: tags
  properties: {
    dataLocation: dataLocation
    linkedDomains: !ownDomain || domainVerified ? [email::sendingDomain.id] : []
  }
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: topicName
  location: 'global'
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    source: service.id
    topicType: 'Microsoft.Communication.CommunicationServices'
  }

  resource reports 'eventSubscriptions' = {
    name: 'mail-reports'
    properties: {
      deliveryWithResourceIdentity: {
        identity: {
          type: 'UserAssigned'
          userAssignedIdentity: identityId
        }
        destination: {
          endpointType: 'StorageQueue'
          properties: {
            resourceId: storageId
            queueName: queueName
            queueMessageTimeToLiveInSeconds: 604800
          }
        }
      }
      filter: {
        includedEventTypes: ['Microsoft.Communication.EmailDeliveryReportReceived']
      }
      eventDeliverySchema: 'EventGridSchema'
      retryPolicy: {
        maxDeliveryAttempts: 30
        eventTimeToLiveInMinutes: 1440
      }
    }
  }
}

resource serviceLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: service
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

output serviceId string = service.id
output serviceName string = service.name
output endpoint string = 'https://${service.properties.hostName}'
output sender string = '${ownDomain ? senderName : 'DoNotReply'}@${email::sendingDomain.properties.mailFromSenderDomain}'
@description('Set these DNS records, verify the domain, and deploy again with mailDomainVerified=true.')
output dnsRecords object = email::sendingDomain.properties.verificationRecords
