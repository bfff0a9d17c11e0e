select
    '0x' || encode(hash, 'hex') as hash,
    block_number,
    from_address,
    to_address,
    value,
    case when to_address is null then 'create' else 'call' end as kind
from {{ source('chain', 'transactions') }}
