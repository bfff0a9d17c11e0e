with source as (

    select * from {{ source('chain', 'blocks') }}

),

renamed as (

    select
        number,
        timestamp as block_time,
        date_trunc('day', timestamp) as day,
        transaction_count,
        gas_used
    from source

)

select * from renamed
