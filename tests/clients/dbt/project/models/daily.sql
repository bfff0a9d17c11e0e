{{ config(materialized='table', indexes=[{'columns': ['day'], 'unique': true}]) }}

select
    b.day,
    count(*) as blocks,
    sum(b.transaction_count) as transactions,
    max(b.gas_used) as gas_used_max
from {{ ref('stg_blocks') }} b
group by 1
