"""sfsync: brings local deals and their contact roles to Salesforce."""
