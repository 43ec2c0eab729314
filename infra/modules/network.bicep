metadata description = 'Optional: a network of the app\'s own, whose outbound address is fixed, with private endpoints for what it stores.'

param prefix string
param location string
param tags object

@description('Address space, /24 or larger: the app takes a /26 of it, private endpoints a /27.')
param addressSpace string
param storageId string
param vaultId string

@description('Ids of private DNS zones that exist (in the hub, say); empty ones are left out: blob, queue, table, vault.')
param privateDnsZones privateDnsZoneIds

@description('Private DNS zone ids by service.')
type privateDnsZoneIds = {
  blob: string
  queue: string
  table: string
  vault: string
}

var endpoints = [
  {
    name: 'blob'
    target: storageId
    group: 'blob'
    zone: privateDnsZones.blob
  }
  {
    name: 'queue'
    target: storageId
    group: 'queue'
    zone: privateDnsZones.queue
  }
  {
    name: 'table'
    target: storageId
    group: 'table'
    zone: privateDnsZones.table
  }
  {
    name: 'vault'
    target: vaultId
    group: 'vault'
    zone: privateDnsZones.vault
  }
]

resource address 'Microsoft.Network/publicIPAddresses@2024-10-01' = {
  name: 'pip-${prefix}-nat'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
    publicIPAddressVersion: 'IPv4'
  }
}

resource nat 'Microsoft.Network/natGateways@2024-10-01' = {
  name: 'ng-${prefix}'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    idleTimeoutInMinutes: 10
    publicIpAddresses: [
      {
        id: address.id
      }
    ]
  }
}

resource guard 'Microsoft.Network/networkSecurityGroups@2024-10-01' = {
  name: 'nsg-${prefix}-endpoints'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'only-the-network-over-tls'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: 'VirtualNetwork'
          sourcePortRange: '*'
          destinationAddressPrefix: 'VirtualNetwork'
          destinationPortRange: '443'
        }
      }
      {
        name: 'nothing-else'
        properties: {
          priority: 4096
          direction: 'Inbound'
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-10-01' = {
  name: 'vnet-${prefix}'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addressSpace]
    }
  }

  resource app 'subnets' = {
    name: 'app'
    properties: {
      addressPrefix: cidrSubnet(addressSpace, 26, 0)
      natGateway: {
        id: nat.id
      }
      networkSecurityGroup: {
        id: guard.id
      }
      delegations: [
        {
          name: 'flex-consumption'
          properties: {
            serviceName: 'Microsoft.App/environments'
          }
        }
      ]
    }
  }

  resource privateLinks 'subnets' = {
    name: 'endpoints'
    dependsOn: [app]
    properties: {
      addressPrefix: cidrSubnet(addressSpace, 27, 2)
      networkSecurityGroup: {
        id: guard.id
      }
      privateEndpointNetworkPolicies: 'Enabled'
    }
  }
}

resource links 'Microsoft.Network/privateEndpoints@2024-10-01' = [
  for endpoint in endpoints: {
    name: 'pep-${prefix}-${endpoint.name}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: network::privateLinks.id
      }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: {
            privateLinkServiceId: endpoint.target
            groupIds: [endpoint.group]
          }
        }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-10-01' = [
  for (endpoint, index) in endpoints: if (!empty(endpoint.zone)) {
    parent: links[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: endpoint.name
          properties: {
            privateDnsZoneId: endpoint.zone
          }
        }
      ]
    }
  }
]

output appSubnetId string = network::app.id
output outboundAddress string = address.properties.ipAddress
