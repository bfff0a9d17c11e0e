//! pg-gateway
