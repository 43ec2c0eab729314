"""What end-to-end tests drive the system with: a real agent process, the API, independent looks at storage."""
