"""What end-to-end tests drive the system with: a real agent process, the operator's API, and independent looks at storage."""
