"""A local mail service that behaves like Azure Communication Services.

It verifies signatures, and puts delivery reports on a storage queue as Event Grid does. It does not notice that an
operation is sent twice: the product must not rely on that, and here it shows. What it was sent is read on a page of its
control side.
"""
