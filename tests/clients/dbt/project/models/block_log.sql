{{ config(materialized='incremental', unique_key='number') }}

select number, block_time, transaction_count
from {{ ref('stg_blocks') }}
{% if is_incremental() %}
where number >= (select max(number) from {{ this }}) - 5
{% endif %}
