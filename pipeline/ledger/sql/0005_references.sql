-- Disputes come with the gateway's reference alone.

CREATE INDEX payments_reference ON payments (gateway, gateway_ref) WHERE gateway_ref IS NOT NULL;
