select symbol, coalesce(name, 'unnamed') as name, decimals from {{ ref('token_name') }}
