"""HTTPS in front of the storage emulator, with what a customer's account has and the emulator lacks.

That is: the 401 challenge that names the account's tenant, bearer tokens that are really checked, roles (Azure RBAC),
a firewall, a disabled account, faults on request, and a log of every request as the storage service itself would keep.
An account is reached as `<front>/<account>`. A request that is allowed is passed on as it is, signature and all.
"""
